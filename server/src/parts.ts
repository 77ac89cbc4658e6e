/**
 * The composition root: makes the rooms' parts, each from its own options, and wires them. Knows all rooms; nobody knows it.
 */
import { readFileSync } from "node:fs";
import { DEFAULT_TOPIC_CONFIG, type Limits } from "@ringcast/protocol";
import { createStaticAuthenticator, type OriginPolicy, type StaticAuthenticator } from "./auth/index.js";
import type { Config, LoadedConfig } from "./config/index.js";
import { createDemo, findAssets, loadPages, readWeek, type Demo } from "./dashboard/index.js";
import { createDemoHub } from "./demo-hub.js";
import { createHandshake, createHttpRoutes, type HttpRoutes, type HttpSettings, type NotReady } from "./http/index.js";
import { createHub, type Hub, type HubLimits, type HubSettings } from "./hub/index.js";
import type { LogStore } from "./log/index.js";
import type { Runtime } from "./runtime/index.js";
import { LocalSequencer } from "./sequencer/index.js";
import {
  createSessionFactory,
  type PublishRates,
  type SessionFactory,
  type SessionOptions,
  type SessionSettings,
} from "./session/index.js";
import type { StorageWatch } from "./storage-watch.js";
import { createMetrics, type Logger, type MetricSources } from "./telemetry/index.js";
import type { Transport, TransportHandlers } from "./transport/index.js";

/** What the parts are made of. */
export interface PartsInput {
  readonly loaded: LoadedConfig;
  readonly log: Logger;
  readonly runtime: Runtime;
  readonly store: LogStore;
  readonly watch: StorageWatch;
  /** Requests that were refused before any route saw them, by code. */
  readonly refused: ReadonlyMap<string, number>;
  countRefused(code: string): void;
  /** The port it listens on. */
  readonly port: number;
  /** When the hub's certificate ends, milliseconds since 1970; undefined without TLS. */
  readonly certificateExpiresMs: () => number | undefined;
  readonly transport: Transport;
}

/** The parts of a hub that serves; also what its transport calls. */
export interface HubParts extends Pick<TransportHandlers, "handshake" | "request"> {
  readonly store: LogStore;
  readonly hub: Hub;
  readonly sessions: SessionFactory;
  readonly http: HttpRoutes;
  readonly demo: Demo | undefined;
  /** Takes over what may change while the hub runs; whoever holds a token that is gone is disconnected. */
  configure(loaded: LoadedConfig): void;
  /** From now on the hub is not ready, and new connections are refused. */
  refuseNew(): void;
}

const VERSION = readVersion();
const INSTANCE_ID_LENGTH = 12;

/** Gates of publishers that wait for the storage device; beyond them they are `rate_limited`. */
const MAX_INFLIGHT_BYTES = 16 * 1024 * 1024;
const MAX_TOTAL_INFLIGHT = 100_000;
const MAX_TOTAL_INFLIGHT_BYTES = 256 * 1024 * 1024;

const SHUTTING_DOWN: NotReady = { code: "shutting_down", reason: "The hub is going away: connect again in a moment." };

export function makeParts(input: PartsInput): HubParts {
  const { loaded, log, runtime, store, watch } = input;
  const { config } = loaded;
  let closing: NotReady | undefined;
  let current = loaded;
  const authenticator = createStaticAuthenticator(loaded.tokens, () => runtime.monotonicMs());
  const access = { policy: policyOf(config, input.port), authenticator };
  const limits = limitsOf(config);
  const hub = createHub({
    store,
    runtime,
    sequencer: new LocalSequencer(),
    limits: hubLimitsOf(config),
    defaultConfig: DEFAULT_TOPIC_CONFIG,
    ...hubSettingsOf(config),
    report: (event) => watch.hubEvent(event),
  });
  const sessions = createSessionFactory({ hub, runtime, limits, ...sessionOptions(input, authenticator) });
  const metrics = createMetrics(() => readSources(input, { hub, sessions, http, config: current.config }));
  watch.onSync = (tookMs) => metrics.observeSync(tookMs);
  const demo = config.demo
    ? createDemo({ hub: createDemoHub(hub), runtime, log, week: readWeek(findAssets()) })
    : undefined;
  const http = createHttpRoutes({
    hub,
    sessions,
    runtime,
    access,
    limits,
    log,
    metrics,
    maxBodyBytes: config.maxBodyBytes,
    ...httpSettingsOf(config),
    stallTimeoutMs: config.stallTimeoutMs,
    files: loadPages({ demo: config.demo, assets: findAssets() }),
    routes: demo?.routes ?? [],
    notReady: () => closing ?? storageTrouble(watch),
  });
  return {
    store,
    hub,
    sessions,
    http,
    demo,
    handshake: createHandshake({
      access,
      sessions,
      closing: () => closing,
      refused: (code) => input.countRefused(code),
    }),
    request: (exchange) => http.handle(exchange),
    configure: (next) => {
      current = next;
      access.policy = policyOf(next.config, input.port);
      authenticator.replace(next.tokens);
      store.maxDataBytes = next.config.maxDataBytes;
      hub.configure(hubSettingsOf(next.config));
      sessions.configure(sessionSettingsOf(next));
      http.configure(httpSettingsOf(next.config));
      sessions.revoke((identity) => authenticator.isValid(identity));
      http.revoke((identity) => authenticator.isValid(identity));
    },
    refuseNew: () => void (closing = SHUTTING_DOWN),
  };
}

function policyOf({ host, allowedOrigins, allowedHosts }: Config, port: number): OriginPolicy {
  return { host, port, allowedOrigins, allowedHosts };
}

function hubSettingsOf({ topics, autoCreateTopics, maxTopics }: Config): HubSettings {
  return { rules: topics, autoCreateTopics, maxTopics };
}

function httpSettingsOf(config: Config): HttpSettings {
  return { maxEventStreams: config.maxEventStreams, rates: ratesOf(config) };
}

function ratesOf({ maxPublishRate, maxPublishBytesRate, maxRequestRate }: Config): PublishRates {
  return { messagesPerSecond: maxPublishRate, bytesPerSecond: maxPublishBytesRate, requestsPerSecond: maxRequestRate };
}

/** What `welcome` announces. */
function limitsOf(config: Config): Limits {
  const { maxMessageBytes, maxFrameBytes, maxSubscriptions, maxWindow, maxInflight, maxBatch } = config;
  const { idleTimeoutMs, pingIntervalMs } = config;
  return {
    maxMessageBytes,
    maxFrameBytes,
    maxSubscriptions,
    maxWindow,
    maxInflight,
    maxBatch,
    idleTimeoutMs,
    pingIntervalMs,
  };
}

function hubLimitsOf({ maxSubscriptions, maxTopics, maxInflight }: Config): HubLimits {
  return {
    maxSubscriptions,
    maxTopics,
    maxInflight,
    maxInflightBytes: MAX_INFLIGHT_BYTES,
    maxTotalInflight: MAX_TOTAL_INFLIGHT,
    maxTotalInflightBytes: MAX_TOTAL_INFLIGHT_BYTES,
  };
}

function sessionOptions(
  { loaded, runtime }: PartsInput,
  authenticator: StaticAuthenticator,
): Omit<SessionOptions, "hub" | "runtime" | "limits"> {
  const { authTimeoutMs, stallTimeoutMs } = loaded.config;
  const verify = (token: string, remoteAddress: string) => {
    const verdict = authenticator.verify(token, remoteAddress);
    return verdict.accepted ? verdict.identity : undefined;
  };
  return {
    server: `ringcast/${VERSION}`,
    instance: runtime.randomId(INSTANCE_ID_LENGTH),
    tokens: authenticator.required ? { verify } : undefined,
    authTimeoutMs,
    stallTimeoutMs,
    ...sessionSettingsOf(loaded),
  };
}

function sessionSettingsOf({ config, given }: LoadedConfig): SessionSettings {
  return {
    maxConnections: config.maxConnections,
    maxConnectionsPerAddress: config.maxConnectionsPerAddress,
    limitLoopback: given.has("maxConnectionsPerAddress"),
    rates: ratesOf(config),
  };
}

/** What has been counted so far. */
function readSources(
  { transport, refused, store, watch, certificateExpiresMs }: PartsInput,
  { hub, sessions, http, config }: { hub: Hub; sessions: SessionFactory; http: HttpRoutes; config: Config },
): MetricSources {
  const { totalBytes, mappedBytes } = store;
  return {
    build: { version: VERSION, node: process.version, transport: transport.name },
    transport: { refused },
    hub: hub.stats,
    sessions: sessions.stats,
    http: http.stats,
    log: { totalBytes, mappedBytes, ...store.counters, failedPartitions: watch.failedPartitions },
    limits: {
      topics: config.maxTopics,
      dataBytes: config.maxDataBytes,
      connections: config.maxConnections,
      eventStreams: config.maxEventStreams,
    },
    certificateExpiresMs: certificateExpiresMs(),
  };
}

function storageTrouble(watch: StorageWatch): NotReady | undefined {
  const failed = watch.failedPartitions;
  if (failed === 0) return undefined;
  return { code: "unavailable", reason: `The storage of ${failed} partitions failed: look into the hub's log.` };
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
