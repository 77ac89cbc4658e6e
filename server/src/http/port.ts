/** What the HTTP routes are made of. */
import type { Limits } from "@ringcast/protocol";
import type { Authenticator, Identity, OriginPolicy } from "../auth/index.js";
import type { Hub } from "../hub/index.js";
import type { Runtime } from "../runtime/index.js";
import type { PublishRates, SessionFactory } from "../session/index.js";
import type { Exchange } from "./exchange.js";

/** A file served as it is. */
export interface StaticFile {
  readonly contentType: string;
  readonly body: Uint8Array;
  /** With its quotes. */
  readonly etag: string;
}

/** A small JSON route of another part, e.g. the demo's. */
export interface JsonRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  /**
   * @param body parsed JSON; undefined where there was none
   * @throws RingcastError
   */
  handle(body: unknown): { readonly status: number; readonly body: unknown };
}

/** Why the hub takes no traffic at the moment. */
export interface NotReady {
  readonly code: "shutting_down" | "unavailable";
  readonly reason: string;
}

export interface HttpLog {
  error(fields: object, message: string): void;
}

/** Who may talk to the hub. */
export interface AccessOptions {
  readonly policy: OriginPolicy;
  readonly authenticator: Authenticator;
}

/** What the operator may change while the hub runs. */
export interface HttpSettings {
  /** Event streams at once. */
  readonly maxEventStreams: number;
  /** What may be published in a second. */
  readonly rates: PublishRates;
}

export interface HttpOptions extends HttpSettings {
  readonly hub: Hub;
  /** Whose connections operators see. */
  readonly sessions: Pick<SessionFactory, "connections" | "connection" | "disconnect">;
  readonly runtime: Pick<Runtime, "nowMs" | "monotonicMs" | "setTimer" | "random">;
  readonly access: AccessOptions;
  readonly limits: Limits;
  /** Of a request's body. */
  readonly maxBodyBytes: number;
  /** An event stream whose reader takes nothing for so long is cut. */
  readonly stallTimeoutMs: number;
  /** Files by path. Open to everybody, also where a token is required. */
  readonly files: ReadonlyMap<string, StaticFile>;
  readonly routes: readonly JsonRoute[];
  /** Undefined: ready. */
  notReady(): NotReady | undefined;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly log: HttpLog;
}

/** Counters since the start. */
export interface HttpStats {
  /** Gauge: event streams that are open. */
  readonly streams: number;
  /** Answers by status. */
  readonly responses: ReadonlyMap<number, number>;
  /** Errors answered, by code. */
  readonly errors: ReadonlyMap<string, number>;
}

export interface HttpRoutes {
  readonly stats: HttpStats;
  /** Answers a request, now or later. Never throws. */
  handle(exchange: Exchange): void;
  /** Takes over what the operator changed. */
  configure(settings: HttpSettings): void;
  /** Tokens have changed: ends the event streams of whoever this doesn't accept any more. */
  revoke(isValid: (identity: Identity) => boolean): void;
  /** Ends all event streams; each is told a time of its own to come back at, spread over `spreadMs`. */
  drain(spreadMs: number): void;
  /** Cuts what is open. */
  close(): void;
}

/** A request on its way through a route. */
export interface Call {
  readonly exchange: Exchange;
  /** Decoded segments that stand for the names of the route's pattern. */
  readonly params: Readonly<Record<string, string>>;
  /** Whoever asks. */
  readonly identity: Identity;
  /** Headers that every answer to this request carries. */
  readonly headers: Readonly<Record<string, string>>;
}
