/** What the option `debug` is told. */
import type { HubFrame } from "@ringcast/protocol";
import type { Operation } from "./codec.js";

/** One thing that happened on the connection. A token is left out, and what users publish is not in `operation`. */
export type DebugEvent =
  /** An attempt to connect begins. */
  | { readonly type: "dialing"; readonly url: string }
  | { readonly type: "sent"; readonly operation: Operation }
  | { readonly type: "received"; readonly frame: HubFrame }
  /**
   * The connection is gone, or could not be made: WebSocket close code, and what the other side or the platform said.
   */
  | { readonly type: "closed"; readonly code: number; readonly reason: string };
