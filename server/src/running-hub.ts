/**
 * Starts and stops a hub within a process: takes the port, opens the logs, lets traffic in; and all of it backwards.
 */
import { isIPv6 } from "node:net";
import { ConfigError, reloadConfig, type Config, type LoadedConfig } from "./config/index.js";
import { Certificate } from "./certificate.js";
import { RingcastError } from "@ringcast/protocol";
import { answerWhileStarting, errorBody, refuseHandshake, STARTING } from "./http/index.js";
import { openLogStore } from "./log/index.js";
import { makeParts, type HubParts } from "./parts.js";
import { createNodeRuntime } from "./runtime/index.js";
import { stopInOrder } from "./stopping.js";
import { mappedLogsFor } from "./system-limits.js";
import { StorageWatch } from "./storage-watch.js";
import type { AdjustableLogger } from "./telemetry/index.js";
import { createTransport, type TransportHandlers, type TransportOptions } from "./transport/index.js";

/** A hub that serves. */
export interface RunningHub {
  /** e.g. `http://127.0.0.1:7447` */
  readonly url: string;
  /** The longest that {@link stop} lets connections take; may change by a reload. */
  readonly drainTimeoutMs: number;
  /** Reads the configuration again and takes over what may change while the hub runs. What is wrong is logged and changes nothing. */
  reload(): void;
  /** Stops in order: new connections are refused, clients told to come back, everything answered, synced and closed. Can be called twice. */
  stop(): Promise<void>;
}

const WEB_SOCKET_PATH = "/v1/ws";

/** Sessions stop at one slice and 1 MiB of replies; the text of a translated record can be six times its size. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
const MOST_GROWTH = 6;

/**
 * Starts a hub. The port is taken before the logs are opened, so that a second hub fails at once; until the logs are open everybody is
 * told to wait.
 *
 * @throws RingcastError `unavailable` when the address can't be had; with `details.field` for what is to be mended in the configuration
 */
export async function startHub(loaded: LoadedConfig, log: AdjustableLogger): Promise<RunningHub> {
  const { config } = loaded;
  const runtime = createNodeRuntime();
  const refused = new Map<string, number>();
  const countRefused = (code: string): void => void refused.set(code, (refused.get(code) ?? 0) + 1);
  let handlers = STARTING_HANDLERS;
  const certificate = Certificate.read(config, runtime, log);
  const transport = await createTransport(config.transport, transportOptions(config, certificate), {
    handshake: (handshake) => handlers.handshake(handshake),
    request: (exchange) => handlers.request(exchange),
    refused: countRefused,
  });
  try {
    const port = await transport.listen(config.host, config.port);
    const watch = new StorageWatch(log);
    const store = await openLogStore({
      directory: config.data,
      runtime,
      maxMappedLogs: mappedLogsFor(config, log),
      mmap: config.mmap,
      onEvent: (event) => watch.logEvent(event),
    });
    store.maxDataBytes = config.maxDataBytes;
    const parts = makeParts({
      loaded,
      log,
      runtime,
      store,
      watch,
      refused,
      countRefused,
      port,
      transport,
      certificateExpiresMs: () => certificate?.files.expiresMs,
    });
    handlers = parts;
    const url = `${certificate === undefined ? "http" : "https"}://${isIPv6(config.host) ? `[${config.host}]` : config.host}:${port}`;
    log.info({ url, transport: transport.name, node: process.version, data: config.data }, "ready");
    await parts.demo?.start();
    certificate?.watch(transport);
    let current = loaded;
    let stopping: Promise<void> | undefined;
    return {
      url,
      get drainTimeoutMs() {
        return current.config.drainTimeoutMs;
      },
      reload: () => void (current = reload(current, { parts, certificate, log })),
      stop: () => {
        certificate?.close();
        return (stopping ??= stopInOrder(parts, {
          transport,
          runtime,
          drainTimeoutMs: current.config.drainTimeoutMs,
        }));
      },
    };
  } catch (error) {
    await transport.close();
    throw error;
  }
}

type Handlers = Pick<TransportHandlers, "handshake" | "request">;

const STARTING_HANDLERS: Handlers = {
  handshake: () => refuseHandshake(STARTING),
  request: answerWhileStarting,
};

interface Reloading {
  readonly parts: HubParts;
  readonly certificate: Certificate | undefined;
  readonly log: AdjustableLogger;
}

/** @returns the configuration that holds now */
function reload(current: LoadedConfig, { parts, certificate, log }: Reloading): LoadedConfig {
  try {
    const { loaded, changed, waiting } = reloadConfig(current);
    certificate?.renew(loaded.config);
    parts.configure(loaded);
    log.level = loaded.config.logLevel;
    for (const warning of loaded.warnings) log.warn({}, warning);
    for (const setting of waiting) log.warn({ setting }, `${setting} has changed: restart the hub for its new value.`);
    log.info(
      { changed },
      changed.length === 0 ? "configuration read again: nothing to change" : "configuration changed",
    );
    return loaded;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof RingcastError)) throw error;
    const setting = error instanceof ConfigError ? error.setting : error.details["field"];
    log.error({ setting }, `${error.message} The configuration stays as it was.`);
    return current;
  }
}

function transportOptions(config: Config, certificate: Certificate | undefined): TransportOptions {
  return {
    webSocketPath: WEB_SOCKET_PATH,
    maxFrameBytes: config.maxFrameBytes,
    maxHeaderBytes: config.maxHeaderBytes,
    requestTimeoutMs: config.requestTimeoutMs,
    maxBufferedBytes: MAX_BUFFERED_BYTES + MOST_GROWTH * config.maxMessageBytes,
    errorBody,
    ...(certificate === undefined ? {} : { tls: certificate.files }),
  };
}
