import { describe } from "vitest";
import { loadUws } from "../../../server/src/transport/uws/library.js";
import type { TransportName } from "../../../server/src/transport/index.js";
import { guardSuite } from "./guard-suite.js";
import { httpSuite } from "./http-suite.js";
import { listenSuite } from "./listen-suite.js";
import { MAX_HEADER_BYTES } from "./rig.js";
import { streamSuite } from "./stream-suite.js";
import { tlsSuite } from "./tls-suite.js";
import { webSocketSuite } from "./web-socket-suite.js";

/** What every transport must do. Concurrent, because some of it is to wait for a library's time-out; what waits for the longest comes first. */
export async function transportSuite(name: TransportName): Promise<void> {
  const isMissing = name === "uws" && (await loadUws(MAX_HEADER_BYTES)) instanceof Error;
  const why = isMissing ? ` (skipped: uWebSockets.js has no binary for Node ${process.version})` : "";
  describe.skipIf(isMissing).concurrent(`transport ${name}${why}`, () => {
    streamSuite(name);
    guardSuite(name);
    webSocketSuite(name);
    httpSuite(name);
    listenSuite(name);
    tlsSuite(name);
  });
}
