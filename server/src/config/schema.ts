/**
 * Every setting, once. Flags, environment variables, keys of the file, `--help`, `ringcast config` and docs/configuration.md are made from this table.
 */
import { checkPattern } from "@ringcast/protocol";
import { z } from "zod";
import { choice, integer, list, text, toggle, type Setting } from "./setting.js";
import { topicRules } from "./topic-rules.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const DAY_MS = 86_400_000;

export const SETTINGS = {
  host: text({
    group: "Server",
    default: "127.0.0.1",
    description: "Address to listen on. Any but a loopback address needs a token, or `insecure`.",
    placeholder: "<address>",
    values: "address or name",
  }),
  port: integer({
    group: "Server",
    default: 7447,
    min: 0,
    max: 65_535,
    description: "Port to listen on; 0 picks a free one.",
  }),
  data: text({
    group: "Server",
    default: "./data",
    description: "Folder that keeps the logs; made if it is missing. One hub at a time may use it.",
    placeholder: "<folder>",
    values: "folder",
    path: true,
  }),
  config: text({
    group: "Server",
    default: "ringcast.config.json",
    description: "Configuration file (JSON). The default one may be missing; one that is named must be there.",
    placeholder: "<file>",
    values: "file",
    path: true,
  }),
  transport: choice({
    group: "Server",
    choices: ["auto", "uws", "ws"],
    default: "auto",
    description:
      "Network library: uWebSockets.js (`uws`), `ws` with node:http, or whichever is the fastest that runs here.",
  }),
  demo: toggle({
    group: "Server",
    default: false,
    description: "Serves the demo page at /demo and feeds its topic `quakes`.",
  }),
  logLevel: choice({
    group: "Server",
    choices: ["trace", "debug", "info", "warn", "error", "silent"],
    default: "info",
    description: "Least important kind of line that is logged, on standard error.",
    reloads: true,
  }),
  logFormat: choice({
    group: "Server",
    choices: ["auto", "json", "text"],
    default: "auto",
    description: "Shape of log lines; `auto` is text on a terminal and JSON elsewhere.",
  }),

  insecure: toggle({
    group: "Access",
    default: false,
    description:
      "Allows an address that others can reach without a strong token: everybody may then publish, read and delete.",
  }),
  token: text({
    group: "Access",
    default: "",
    description:
      "Secret that guards everything but the pages and the health checks. Flags can be seen by other users of the machine: better in `RINGCAST_TOKEN` or a token file. Browsers can send letters, digits and `-._~` only.",
    placeholder: "<secret>",
    values: "visible ASCII characters",
    secret: true,
    reloads: true,
  }),
  tokenFile: text({
    group: "Access",
    default: "",
    description:
      "File with one token a line, `token` or `subject:token`; lines that begin with # are notes. Others must not be able to read it.",
    placeholder: "<file>",
    values: "file",
    path: true,
    reloads: true,
  }),
  allowedOrigins: list({
    group: "Access",
    default: [],
    entry: z
      .string()
      .toLowerCase()
      .refine(isOrigin, "must be an origin such as https://app.example, without a path, or *"),
    description:
      "Pages of other origins that may talk to the hub, e.g. `https://app.example`; `*` allows all. They get CORS headers.",
    values: "list of origins",
    reloads: true,
  }),
  allowedHosts: list({
    group: "Access",
    default: [],
    entry: z
      .string()
      .toLowerCase()
      .refine(isHost, "must be a host name, with or without a port, such as hub.example:8080"),
    description:
      "Host names under which a hub on a loopback address may be called, beside the loopback ones, e.g. behind a proxy.",
    values: "list of host names",
    reloads: true,
  }),

  tlsCert: text({
    group: "Access",
    default: "",
    description:
      "Certificate of the hub with those of its issuers (PEM): the hub then speaks https and wss only, TLS 1.2 or newer. Read again when the file changes.",
    placeholder: "<file>",
    values: "file",
    path: true,
    reloads: true,
  }),
  tlsKey: text({
    group: "Access",
    default: "",
    description: "Private key of `tlsCert` (PEM, without a passphrase). Others should not be able to read it.",
    placeholder: "<file>",
    values: "file",
    path: true,
    reloads: true,
  }),

  autoCreateTopics: toggle({
    group: "Topics",
    default: true,
    description:
      "Lets a publish or a subscription create the topic it names, unless the `autoCreate` of a rule in `topics` says otherwise.",
    reloads: true,
  }),
  topics: topicRules(
    {
      group: "Topics",
      description:
        "Configuration of topics by pattern, taken when a topic is created; the first pattern that matches wins.",
      reloads: true,
    },
    checkPattern,
  ),
  maxTopics: integer({
    group: "Topics",
    default: 100_000,
    min: 1,
    max: 10_000_000,
    description: "The most topics there may be.",
    reloads: true,
  }),

  maxDataBytes: integer({
    group: "Storage",
    default: 0,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    unit: "bytes",
    description:
      "Most bytes that all logs together may take; a publish that would go beyond is answered `unavailable`. 0: no limit.",
    reloads: true,
  }),
  maxMappedLogs: integer({
    group: "Storage",
    default: 8_192,
    min: 16,
    max: 60_000,
    description: "Logs that are mapped into memory at once; beyond it the least recently used are let go.",
  }),
  mmap: toggle({
    group: "Storage",
    default: true,
    description:
      "Maps logs into memory where the file system can be trusted with it; off (`--no-mmap`), they are kept in the process and written to their files.",
  }),

  maxMessageBytes: integer({
    group: "Limits",
    default: MIB,
    min: 1,
    max: 64 * MIB,
    unit: "bytes",
    description: "Size of one message: data, key and headers together.",
  }),
  maxFrameBytes: integer({
    group: "Limits",
    default: 4 * MIB,
    min: KIB,
    max: 256 * MIB,
    unit: "bytes",
    description: "Size of one WebSocket message from a client.",
  }),
  maxBodyBytes: integer({
    group: "Limits",
    default: 4 * MIB,
    min: KIB,
    max: 256 * MIB,
    unit: "bytes",
    description: "Size of the body of an HTTP request.",
  }),
  maxHeaderBytes: integer({
    group: "Limits",
    default: 16 * KIB,
    min: KIB,
    max: MIB,
    unit: "bytes",
    description: "Size of the header block of an HTTP request or handshake.",
  }),
  maxBatch: integer({
    group: "Limits",
    default: 10_000,
    min: 1,
    max: 1_000_000,
    description: "Messages in one publish.",
  }),
  maxSubscriptions: integer({
    group: "Limits",
    default: 5_000,
    min: 1,
    max: 1_000_000,
    description: "Subscriptions of one connection.",
  }),
  maxWindow: integer({
    group: "Limits",
    default: 100_000,
    min: 1,
    max: 2 ** 31 - 1,
    description: "Largest window a subscription may ask for, in records.",
  }),
  maxInflight: integer({
    group: "Limits",
    default: 1_024,
    min: 1,
    max: 100_000,
    description: "Publishes of one connection that may wait for their reply, and replies remembered per producer.",
  }),
  maxConnections: integer({
    group: "Limits",
    default: 100_000,
    min: 1,
    max: 10_000_000,
    description: "WebSocket connections at once; one more is answered 429.",
    reloads: true,
  }),
  maxConnectionsPerAddress: integer({
    group: "Limits",
    default: 1_000,
    min: 0,
    max: 10_000_000,
    description:
      "WebSocket connections of one address at once; 0: no limit. Loopback addresses are exempt unless this is set.",
    reloads: true,
  }),
  maxPublishRate: integer({
    group: "Limits",
    default: 0,
    min: 0,
    max: 100_000_000,
    description:
      "Messages that one connection (over HTTP one token at one address, or one address) may publish a second on average, twice that at once; beyond it `rate_limited`. 0: no limit.",
    reloads: true,
  }),
  maxPublishBytesRate: integer({
    group: "Limits",
    default: 0,
    min: 0,
    max: 2 ** 40,
    description:
      "Bytes that one connection (over HTTP as for `maxPublishRate`) may publish a second on average, twice that at once. 0: no limit.",
    reloads: true,
  }),
  maxRequestRate: integer({
    group: "Limits",
    default: 0,
    min: 0,
    max: 100_000_000,
    description:
      "Requests of one connection a second that store nothing, such as acknowledgements and pings. 0: no limit.",
    reloads: true,
  }),
  maxEventStreams: integer({
    group: "Limits",
    default: 10_000,
    min: 1,
    max: 10_000_000,
    description: "Server-Sent Events streams at once; one more is answered 429.",
    reloads: true,
  }),

  idleTimeoutMs: integer({
    group: "Timing",
    default: 60_000,
    min: 100,
    max: DAY_MS,
    unit: "ms",
    description: "A connection that is silent for so long, not even answering pings, is closed.",
  }),
  pingIntervalMs: integer({
    group: "Timing",
    default: 25_000,
    min: 50,
    max: DAY_MS,
    unit: "ms",
    description: "Time between the hub's WebSocket pings; less than `idleTimeoutMs`.",
  }),
  authTimeoutMs: integer({
    group: "Timing",
    default: 10_000,
    min: 50,
    max: DAY_MS,
    unit: "ms",
    description: "Time a connection has to authenticate.",
  }),
  stallTimeoutMs: integer({
    group: "Timing",
    default: 600_000,
    min: 100,
    max: DAY_MS,
    unit: "ms",
    description: "A connection whose reader takes no byte for so long, while some wait for it, is closed with 4408.",
  }),
  requestTimeoutMs: integer({
    group: "Timing",
    default: 10_000,
    min: 100,
    max: DAY_MS,
    unit: "ms",
    description: "Time for the headers and the body of an HTTP request to arrive.",
  }),
  drainTimeoutMs: integer({
    group: "Timing",
    default: 10_000,
    min: 0,
    max: DAY_MS,
    unit: "ms",
    description: "Time that a stop may take: connections are told to come back, spread over half of it, then closed.",
    reloads: true,
  }),
} as const satisfies Record<string, Setting>;

/** Key of a setting, as in the file. */
export type SettingKey = keyof typeof SETTINGS;

/** The whole configuration, each value of its setting's type. */
export type Config = { readonly [K in SettingKey]: z.output<(typeof SETTINGS)[K]["schema"]> };

/** All keys, in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** The row of a key. */
export function settingOf(key: SettingKey): Setting {
  return SETTINGS[key];
}

/** `maxMessageBytes` → `--max-message-bytes` */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `maxMessageBytes` → `RINGCAST_MAX_MESSAGE_BYTES` */
export function variableOf(key: string): string {
  return `RINGCAST_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function isOrigin(value: string): boolean {
  return value === "*" || (/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s*]+$/.test(value) && URL.canParse(value));
}

function isHost(value: string): boolean {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/.test(value);
}
