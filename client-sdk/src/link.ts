/** What subscriptions, publishes and questions need of the one connection they share. */
import type { HubFrame, RingcastError } from "@ringcast/protocol";
import type { Operation } from "./codec.js";
import type { Connection } from "./connection.js";
import type { Listeners } from "./listeners.js";
import type { HubEvents } from "./options.js";
import type { Runtime } from "./runtime/port.js";
import type { FrameData } from "./transport/port.js";

/** Takes a frame; where it is of an error, that. */
export type Receive = (frame: HubFrame, error: RingcastError | undefined) => void;

export interface Link extends Omit<Connection, "state" | "close"> {
  readonly runtime: Runtime;
  /**
   * Sends a request with a fresh id. When the connection is lost before the reply, `onReply` is never called.
   *
   * @param publish whose body goes with it
   */
  call(operation: Operation, onReply: Receive, publish?: { readonly body: FrameData }): void;
  /**
   * Has frames of a subscription handed to `receive`, as long as this connection lives; to nobody where that is left
   * out.
   */
  listen(subscription: number | undefined, receive?: Receive): void;
  /** Tells the user. */
  readonly tell: Listeners<HubEvents>["tell"];
}

/** What goes over the link, connection after connection. */
export interface Part {
  /**
   * Sends what waits over a connection that was just made, and again what was sent and not answered: its outcome is
   * unknown.
   */
  resume(): void;
  /** Nothing comes any more: whoever waits is told. */
  end(error: RingcastError): void;
}
