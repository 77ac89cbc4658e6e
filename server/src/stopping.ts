/** Stops a hub within its process, in order: new connections are refused, clients told to come back, everything answered, synced and closed. */
import type { HttpRoutes } from "./http/index.js";
import type { Hub } from "./hub/index.js";
import type { LogStore } from "./log/index.js";
import type { Runtime } from "./runtime/index.js";
import type { SessionFactory } from "./session/index.js";
import type { Transport } from "./transport/index.js";

/** What is stopped. */
export interface StoppableParts {
  readonly http: Pick<HttpRoutes, "drain" | "close">;
  readonly hub: Pick<Hub, "drain" | "close">;
  readonly sessions: Pick<SessionFactory, "drain" | "close">;
  readonly store: Pick<LogStore, "close">;
  readonly demo: { close(): void } | undefined;
  /** From now on the hub is not ready, and new connections are refused. */
  refuseNew(): void;
}

export interface StopOptions {
  readonly transport: Pick<Transport, "stopListening" | "close">;
  readonly runtime: Pick<Runtime, "setTimer">;
  /** The longest that clients may take. */
  readonly drainTimeoutMs: number;
}

/** Publishers are answered and readers get what was stored before their connection goes; the logs are the last to close. */
export async function stopInOrder(parts: StoppableParts, options: StopOptions): Promise<void> {
  const { transport, runtime, drainTimeoutMs } = options;
  parts.refuseNew();
  parts.demo?.close();
  parts.http.drain(drainTimeoutMs / 2);
  const drained = Promise.all([parts.hub.drain(), parts.sessions.drain(drainTimeoutMs)]);
  await Promise.race([drained, new Promise<void>((resolve) => runtime.setTimer(drainTimeoutMs, resolve))]);
  // Not sooner: whoever asks meanwhile whether the hub is ready hears that it is going away.
  transport.stopListening();
  parts.http.close();
  parts.sessions.close();
  parts.hub.close();
  await transport.close();
  await parts.store.close();
}
