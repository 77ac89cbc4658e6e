/** What is around the workload's clients: real sockets and the real clock, or simulated ones (test/simulation). */
import type { ConnectOptions } from "@ringcast/client";
import type { AnyFrame } from "../../support/frame-client.js";
import type { Page } from "./page-reader.js";

export type Dialect = "json" | "msgpack";

export interface Surroundings {
  /** Milliseconds on a clock that never runs back; only differences mean something. */
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** Whoever gets no connection waits so long before it tries again. */
  readonly retryMs: number;
  /** A client that has had its `welcome`; undefined where none could be had. */
  readonly connect: (dialect: Dialect) => Promise<RawClient | undefined>;
  /** Not there where nobody speaks HTTP. */
  readonly http?: HttpAccess;
  /** What the SDK connects with. */
  readonly sdk: { readonly url: string; readonly options: ConnectOptions };
  /** The event stream of a topic from its beginning, or behind a position; undefined where none could be had. */
  readonly openEvents: (topic: string, lastEventId: string) => Promise<EventSource | undefined>;
}

/** A client that knows the wire contract and nothing of the SDK. */
export interface RawClient extends RequestClient {
  /** The next frame. Rejects when none comes in time, or the connection is gone. */
  next(timeoutMs: number): Promise<AnyFrame>;
  send(frame: object): void;
}

/** As much of it as a publisher needs. */
export interface RequestClient extends AsyncDisposable {
  readonly isOpen: boolean;
  /** Sends a request with an id of its own and takes the reply. Rejects when none comes in time, or the connection is gone. */
  request(frame: object, timeoutMs: number): Promise<AnyFrame>;
}

export interface HttpAccess {
  /** Publishes, each of which may overtake others; undefined where the hub can't be reached. */
  readonly open: () => Promise<RequestClient | undefined>;
  /** @returns undefined where there was no answer, or a refusal that passes */
  readonly page: (path: string) => Promise<Page | "no such partition" | undefined>;
}

/** Server-Sent Events, one after another. */
export interface EventSource extends Disposable {
  readonly ended: boolean;
  next(timeoutMs: number): Promise<{ readonly event: string; readonly data: string; readonly id: string }>;
}
