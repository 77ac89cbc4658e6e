/** Servers of Node that people would write themselves: a broadcast with `ws`, Socket.IO, and HTTP alone. */
import type { Peer } from "./peer.js";
import { packageVersion, startServer } from "./script.js";

const RAW = new URL("wires/raw.ts", import.meta.url).href;
const SOCKET_IO = new URL("wires/socket-io.ts", import.meta.url).href;
const INSTALL = "npm install";

/** A set of sockets for each topic, one send for each of them. */
export const webSocketServer: Peer = {
  name: "ws",
  abilities: ["fanout", "echo"],
  notes: ["Stores nothing. No compression; whatever a subscriber doesn't take is kept for it, without a limit."],
  version: () => packageVersion("ws"),
  install: INSTALL,
  start: () => startServer("ws", RAW),
};

/** Rooms for topics, the default parser. */
export const socketIo: Peer = {
  name: "Socket.IO",
  abilities: ["fanout", "echo"],
  notes: ["Stores nothing. WebSocket transport only, no compression, default parser and adapter, on `ws`."],
  version: () => packageVersion("socket.io"),
  install: INSTALL,
  start: () => startServer("socket-io", SOCKET_IO),
};

/** The HTTP server that Node brings along. */
export const nodeHttp: Peer = {
  name: "node:http",
  abilities: ["http"],
  notes: ["Reads the body, stores nothing."],
  version: () => process.versions.node,
  install: INSTALL,
  start: () => startServer("ws"),
};

/** One route, the body as bytes. */
export const fastify: Peer = {
  name: "Fastify",
  abilities: ["http"],
  notes: ["Reads the body, stores nothing; without log."],
  version: () => packageVersion("fastify"),
  install: INSTALL,
  start: () => startServer("fastify"),
};
