/** What the option `debug` is told. */
import type { HubFrame, RingcastError } from "@ringcast/protocol";
import type { Operation } from "./codec.js";

/** One thing that happened on the connection. The frame that carries the token is left out; what users publish is not in `operation`. */
export type DebugEvent =
  /** An attempt to connect begins. */
  | { readonly type: "dialing"; readonly url: string }
  | { readonly type: "sent"; readonly operation: Operation }
  | { readonly type: "received"; readonly frame: HubFrame }
  /** The connection is gone, or could not be made; the next attempt comes after `retryMs`. */
  | { readonly type: "lost"; readonly reason: RingcastError; readonly retryMs: number };
