/** All that the hub is measured beside, and the hub. */
import { mosquitto } from "./mosquitto.js";
import { jetStream, nats } from "./nats.js";
import { fastify, nodeHttp, socketIo, webSocketServer } from "./node-servers.js";
import type { Peer } from "./peer.js";
import { rawUws } from "./raw-uws.js";
import { redis, redisAlways, redisEverySecond } from "./redis.js";
import { ringcastPeers } from "./ringcast.js";

export const PEERS: readonly Peer[] = [
  ...ringcastPeers(),
  rawUws,
  webSocketServer,
  socketIo,
  nats,
  jetStream,
  mosquitto,
  redis,
  redisEverySecond,
  redisAlways,
  nodeHttp,
  fastify,
];
