/** A hub as it runs in a process: log, hub and sessions put together as the composition root does it, over simulated disk, clock and sockets. */
import { DEFAULT_LIMITS, DEFAULT_TOPIC_CONFIG, RingcastError, type Limits } from "@ringcast/protocol";
import { createHub, type Hub, type HubEvent } from "../../../server/src/hub/index.js";
import { createStaticAuthenticator } from "../../../server/src/auth/index.js";
import { createHttpRoutes, type HttpRoutes, type NotReady } from "../../../server/src/http/index.js";
import { openLogStore, type LogEvent, type LogStore, type LogStoreOptions } from "../../../server/src/log/index.js";
import { LocalSequencer } from "../../../server/src/sequencer/index.js";
import type { Runtime } from "../../../server/src/runtime/index.js";
import { createSessionFactory, type SessionAnswer, type SessionFactory } from "../../../server/src/session/index.js";
import { stopInOrder } from "../../../server/src/stopping.js";
import { HTTP, serve } from "./http.js";
import { hubRuntime, type HubRuntimeOptions } from "./runtimes.js";
import type { Listener } from "./network.js";
import type { Host } from "./scheduler.js";

export interface HubProcessOptions extends HubRuntimeOptions {
  readonly storage: Pick<LogStoreOptions, "directory" | "disk">;
  readonly limits?: Partial<Limits>;
  readonly onEvent: (event: LogEvent | HubEvent) => void;
}

const STALL_TIMEOUT_MS = 30_000;
const SHUTTING_DOWN: NotReady = { code: "shutting_down", reason: "The hub is going away." };
const NO_RATES = { messagesPerSecond: 0, bytesPerSecond: 0, requestsPerSecond: 0 };

export class HubProcess implements Listener {
  readonly host: Host;
  readonly store: LogStore;
  readonly hub: Hub;
  readonly sessions: SessionFactory;
  readonly http: HttpRoutes;
  readonly #runtime: Runtime;
  #closing: NotReady | undefined;

  /** @throws RingcastError as a hub that doesn't start */
  static async start(options: HubProcessOptions): Promise<HubProcess> {
    const runtime = hubRuntime(options);
    const { storage, host } = options;
    // What a dead process says is heard by nobody.
    const onEvent: HubProcessOptions["onEvent"] = (event) => {
      if (!host.isDead) options.onEvent(event);
    };
    const store = await openLogStore({ ...storage, runtime, onEvent });
    return new HubProcess(store, runtime, { ...options, onEvent });
  }

  private constructor(store: LogStore, runtime: Runtime, { host, limits, onEvent }: HubProcessOptions) {
    this.host = host;
    this.store = store;
    this.#runtime = runtime;
    const all = { ...DEFAULT_LIMITS, ...limits };
    this.hub = createHub({
      store,
      sequencer: new LocalSequencer(),
      runtime,
      limits: {
        maxSubscriptions: all.maxSubscriptions,
        maxTopics: 1_000,
        maxInflight: all.maxInflight,
        maxInflightBytes: 16 * 2 ** 20,
        maxTotalInflight: 100_000,
        maxTotalInflightBytes: 256 * 2 ** 20,
      },
      defaultConfig: DEFAULT_TOPIC_CONFIG,
      rules: [],
      autoCreateTopics: true,
      report: onEvent,
    });
    this.sessions = createSessionFactory({
      hub: this.hub,
      runtime,
      limits: all,
      server: "ringcast/simulated",
      instance: runtime.randomId(12),
      tokens: undefined,
      authTimeoutMs: 10_000,
      stallTimeoutMs: STALL_TIMEOUT_MS,
      maxConnections: 10_000,
      maxConnectionsPerAddress: 0,
      limitLoopback: false,
      rates: NO_RATES,
    });
    this.http = createHttpRoutes({
      hub: this.hub,
      sessions: this.sessions,
      runtime,
      access: {
        policy: { host: "0.0.0.0", port: 7447, allowedOrigins: [], allowedHosts: [] },
        authenticator: createStaticAuthenticator([], () => runtime.monotonicMs()),
      },
      limits: all,
      maxBodyBytes: all.maxFrameBytes,
      maxEventStreams: 1_000,
      rates: NO_RATES,
      stallTimeoutMs: STALL_TIMEOUT_MS,
      files: new Map(),
      routes: [],
      notReady: () => this.#closing,
      metrics: { contentType: "text/plain", text: () => Promise.resolve("") },
      log: {
        error: (fields, message) => onEvent({ type: "delivery-failed", error: new Error(message, { cause: fields }) }),
      },
    });
  }

  handshake(subprotocol: string, remoteAddress: string): SessionAnswer {
    if (subprotocol === HTTP) return { accept: true, subprotocol, open: (socket) => serve(this.http, socket) };
    const { code, reason } = this.#closing ?? {};
    if (code !== undefined) return { accept: false, error: new RingcastError(code, reason ?? "") };
    return this.sessions.handshake({ subprotocols: [subprotocol], authorization: undefined, remoteAddress });
  }

  /** In order, as by SIGTERM. */
  async stop(drainTimeoutMs: number, stopListening: () => void): Promise<void> {
    const { http, hub, sessions, store } = this;
    const refuseNew = (): void => void (this.#closing = SHUTTING_DOWN);
    const transport = { stopListening, close: () => Promise.resolve() };
    await stopInOrder(
      { http, hub, sessions, store, demo: undefined, refuseNew },
      { transport, runtime: this.#runtime, drainTimeoutMs },
    );
  }
}
