/** What subscriptions, publishes and questions need of the one connection they share. */
import type { Gap, HubFrame, Limits } from "@ringcast/protocol";
import type { Operation } from "./codec.js";
import type { Runtime } from "./runtime/port.js";
import type { FrameData } from "./transport/port.js";

export interface Link {
  readonly runtime: Runtime;
  /** Those of the connection; undefined while there is none, or the hub is about to go away: what is sent then has no chance. */
  limits(): Limits | undefined;
  /** The hub's clock, milliseconds since 1970; rather behind it than ahead. */
  hubTimeMs(): number;
  /** Sends a request with a fresh id. When the connection is lost before the reply, `onReply` is never called. */
  call(operation: Operation, onReply: (frame: HubFrame) => void, body?: FrameData): void;
  /** Sends what has no reply. */
  send(operation: Operation): void;
  /** Has frames of a subscription handed to `receive`, as long as this connection lives; to nobody where that is left out. */
  listen(subscription: number, receive?: (frame: HubFrame) => void): void;
  /** Tells the user of a gap. */
  gap(gap: Gap): void;
}
