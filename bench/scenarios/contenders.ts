/** Who takes part, by the names that tables and targets use. */
import { PEERS } from "../peers/index.js";
import type { Peer } from "../peers/peer.js";

/** @throws Error when there is none of that name */
export function peersNamed(...names: readonly string[]): readonly Peer[] {
  return names.map((name) => {
    const peer = PEERS.find((each) => each.name === name);
    if (peer === undefined) throw new Error(`No server is called ${name}.`);
    return peer;
  });
}

export const HUB = "Ringcast";
export const HUB_JSON = "Ringcast JSON";
export const HUB_ON_WS = "Ringcast on ws";
export const RAW = "raw uWebSockets.js";
export const NATS = "NATS";
export const JETSTREAM = "NATS JetStream";
export const REDIS = "Redis";

/** Payload of most rows. */
export const USUAL_BYTES = 128;
