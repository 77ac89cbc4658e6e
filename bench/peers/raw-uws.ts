/** uWebSockets.js alone: what the network costs when nothing is stored. */
import type { Peer } from "./peer.js";
import { packageVersion, startServer } from "./script.js";

const WIRE = new URL("wires/raw.ts", import.meta.url).href;

/** Its own topics, an echo of acknowledgements, a POST handler. */
export const rawUws: Peer = {
  name: "raw uWebSockets.js",
  abilities: ["fanout", "echo", "http"],
  notes: [
    "Stores nothing and knows no positions: who isn't there misses it. One frame a message; no compression; up to 64 MiB wait for a subscriber, then it is cut.",
    "`echo` answers each publish with a frame of one byte and looks at nothing else.",
  ],
  version: () => packageVersion("uWebSockets.js"),
  install: "npm install (on Node 20 or 22 with glibc)",
  start: () => startServer("raw-uws", WIRE),
};
