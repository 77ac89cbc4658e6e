/** What subscriptions, publishes and questions need of the one connection they share. */
import type { HubFrame } from "@ringcast/protocol";
import type { Operation } from "./codec.js";
import type { Runtime } from "./runtime/port.js";
import type { FrameData } from "./transport/port.js";

export interface Link {
  readonly runtime: Runtime;
  /** Whether a request sent now has a chance: connected, and the hub isn't about to go away. */
  isReady(): boolean;
  /** The hub's clock, milliseconds since 1970; rather behind it than ahead. */
  hubTimeMs(): number;
  /** Sends a request with a fresh id. When the connection is lost before the reply, `onReply` is never called. */
  call(operation: Operation, onReply: (frame: HubFrame) => void, body?: FrameData): void;
  /** Sends what has no reply. */
  send(operation: Operation): void;
}
