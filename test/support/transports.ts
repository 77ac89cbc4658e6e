/** The transports that exist on this Node: tests over both list these, so that nothing has to be skipped. */
import type { TransportName } from "../../server/src/transport/index.js";
import { loadUws } from "../../server/src/transport/uws/library.js";

export type { TransportName };

const hasUws = !((await loadUws(16_384)) instanceof Error);

export const TRANSPORTS: readonly TransportName[] = hasUws ? ["uws", "ws"] : ["ws"];

/** The one that is taken by itself: for what the session does whatever carries it. `npm run test:faults` tries that over all of them. */
export const FASTEST = TRANSPORTS.slice(0, 1);
