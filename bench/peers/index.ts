/** All that the hub is measured beside, and the hub. */
import { jetStream, nats } from "./nats.js";
import type { Peer } from "./peer.js";
import { rawUws } from "./raw-uws.js";
import { ringcastPeers } from "./ringcast.js";

export const PEERS: readonly Peer[] = [...ringcastPeers(), rawUws, nats, jetStream];
