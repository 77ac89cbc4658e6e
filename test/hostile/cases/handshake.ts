/** H: handshakes that are wrong, foreign, too large, too slow or too many. */
import { expect } from "vitest";
import { dial, type RawClient } from "../../support/raw-client.js";
import { until } from "../../support/until.js";
import type { HostileCase, Outcome, Scene } from "../case.js";
import { handshake, HUB, outcomeOf, textCases, type TextCase } from "../raw.js";

const LISTED = "https://good.example";
export const MAX_HEADER_BYTES = 16_384;
export const REQUEST_TIMEOUT_MS = 1_000;
/** Of one address, the bystander's two included. */
export const MAX_CONNECTIONS = 6;

export const HANDSHAKE_ARGS = ["--allowed-origins", LISTED, "--allowed-hosts", "hub.example"] as const;
export const SLOW_HANDSHAKE_ARGS = ["--request-timeout-ms", String(REQUEST_TIMEOUT_MS)] as const;
export const MANY_HANDSHAKES_ARGS = ["--max-connections-per-address", String(MAX_CONNECTIONS)] as const;

const KNOWN = "ringcast.v1.json";
const VERSION = "Sec-WebSocket-Version";
const KEY = "Sec-WebSocket-Key";
const PROTOCOL = "Sec-WebSocket-Protocol";

const VERSIONS: readonly TextCase[] = [
  ["a", "none", undefined],
  ["b", "8", "8"],
  ["c", "12", "12"],
  ["d", "13x", "13x"],
  ["e", "two", "13, 8"],
  ["f", "14", "14"],
].map(([letter, name, version]) => ({
  id: `H1${letter ?? ""}`,
  title: `version ${name ?? ""}`,
  outcome: "H426 bad_request",
  sent: handshake({ [VERSION]: version }),
  answer: /\r\nSec-WebSocket-Version: 13\r\n/i,
  isLast: true,
}));

const KEYS: readonly TextCase[] = [
  ["a", "no key", undefined],
  ["b", "a key of 3 characters", "abc"],
  ["c", "a key of 24 characters that isn't base64", `${"!".repeat(22)}==`],
  ["d", "a key of 18 bytes in base64", "a".repeat(24)],
  ["e", "a key of 15 bytes in base64", "AAAAAAAAAAAAAAAAAAAA"],
  ["f", "a key with a bit too many", "dGhlIHNhbXBsZSBub25jZR=="],
  ["g", "an empty key", ""],
].map(([letter, title, key]) => ({
  id: `H2${letter ?? ""}`,
  title: title ?? "",
  outcome: "H400 bad_request",
  sent: handshake({ [KEY]: key }),
  isLast: true,
}));

const TWO_KEYS = handshake().replace(`${KEY}:`, `${KEY}: dGhlIHNhbXBsZSBub25jZQ==\r\n${KEY}:`);

const METHODS: readonly TextCase[] = [
  {
    id: "H3a",
    title: "POST",
    outcome: "H405 bad_request",
    sent: handshake({ "Content-Length": "0" }, "POST /v1/ws"),
    answer: /\r\nAllow: GET\r\n/,
    isLast: true,
  },
  { id: "H3b", title: "PUT", outcome: "H405 bad_request", sent: handshake({}, "PUT /v1/ws"), isLast: true },
  {
    id: "H3c",
    title: "no Connection: Upgrade",
    outcome: { uws: "H400 bad_request", ws: "H426 bad_request" },
    sent: handshake({ Connection: "keep-alive" }),
  },
  {
    id: "H3d",
    title: "no Upgrade",
    outcome: "H426 bad_request",
    sent: handshake({ Upgrade: undefined, Connection: "keep-alive" }),
  },
];

/** What a browser takes for the hub's choice. */
const ECHOED = /\r\nSec-WebSocket-Protocol: ringcast\.v1\.json\r\n/i;
const UNECHOED = /\r\nSec-WebSocket-Protocol:/i;
const NAMES = Array.from({ length: 1_000 }, (_, at) => `unknown.${at}`).join(",");

function protocols(...values: readonly string[]): string {
  const lines = values.map((value) => `${PROTOCOL}: ${value}\r\n`).join("");
  return handshake().replace(/\r\n\r\n$/, `\r\n${lines}\r\n`);
}

const SUBPROTOCOLS: readonly TextCase[] = [
  { id: "H4a", title: "unknown subprotocols only", outcome: "H400 bad_request", sent: protocols("mqtt, stomp") },
  {
    id: "H4b",
    title: "1,000 unknown subprotocols",
    outcome: "H400 bad_request",
    sent: protocols(NAMES),
    without: /unknown\.999/,
  },
  {
    id: "H4c",
    title: "8 kB of spaces and commas, which offer nothing",
    outcome: "ok",
    sent: protocols(" ,".repeat(4_000)),
    without: UNECHOED,
  },
  {
    id: "H4d",
    title: "subprotocols over maxHeaderBytes",
    outcome: { uws: "H431", ws: "H431 bad_request" },
    sent: protocols("x,".repeat(MAX_HEADER_BYTES / 2)),
  },
  {
    id: "H4e",
    title: "8 kB of one subprotocol's name",
    outcome: "H400 bad_request",
    sent: protocols("x".repeat(8_000)),
  },
  { id: "H4f", title: "a subprotocol in capitals", outcome: "H400 bad_request", sent: protocols(KNOWN.toUpperCase()) },
  { id: "H5a", title: "two headers, the second known", outcome: "ok", sent: protocols("mqtt", KNOWN), answer: ECHOED },
  {
    id: "H5b",
    title: "two headers, both known",
    outcome: "ok",
    sent: protocols(KNOWN, "ringcast.v1.msgpack"),
    answer: ECHOED,
  },
  { id: "H5c", title: "the same twice", outcome: "ok", sent: protocols(KNOWN, KNOWN), answer: ECHOED },
  {
    id: "H6a",
    title: "a token and no dialect",
    outcome: "ok",
    sent: protocols("bearer.secret"),
    without: /secret|Sec-WebSocket-Protocol/i,
  },
  {
    id: "H6b",
    title: "a token and a dialect",
    outcome: "ok",
    sent: protocols(`bearer.secret, ${KNOWN}`),
    answer: ECHOED,
    without: /secret/,
  },
  {
    id: "H6c",
    title: "a token that is no RFC 9110 token",
    outcome: "ok",
    sent: protocols("bearer.a=b/c@d"),
    without: UNECHOED,
  },
  {
    id: "H6d",
    title: "a token and an unknown dialect",
    outcome: "H400 bad_request",
    sent: protocols("bearer.secret, mqtt"),
    without: /secret/,
  },
];

const FOREIGN = [
  "http://evil.example",
  "null",
  "file://",
  "https://good.example.evil.com",
  "http://good.example",
  "https://good.example:444",
  "https://evil.example/https://good.example",
  "https://good.example@evil.example",
  "",
];

const ORIGINS: readonly TextCase[] = [
  ...FOREIGN.map((origin, at) => ({
    id: `H7${"abcdefghij"[at] ?? ""}`,
    title: `Origin ${JSON.stringify(origin)}`,
    outcome: "H403 forbidden" as const,
    sent: handshake({ Origin: origin }),
  })),
  { id: "H7y", title: "the Origin that is listed", outcome: "ok", sent: handshake({ Origin: LISTED }) },
  { id: "H7z", title: "the hub's own Origin", outcome: "ok", sent: handshake({ Origin: `http://${HUB}` }) },
  { id: "H8", title: "no Origin, as from whoever is no browser", outcome: "ok", sent: handshake() },
];

const REBOUND = [
  "evil.example",
  "127.0.0.1:1",
  "localhost:1",
  "127.0.0.1.evil.example",
  "evil.example#127.0.0.1",
  "127.0.0.1@evil.example",
  "0x7f.1",
  "2130706433",
  "[::ffff:1.2.3.4]",
  "",
];

const HOSTS: readonly TextCase[] = [
  ...REBOUND.map((host, at) => ({
    id: `H9${"abcdefghijk"[at] ?? ""}`,
    title: `Host ${JSON.stringify(host)}`,
    outcome: "H403 forbidden" as const,
    sent: handshake({ Host: host }),
  })),
  { id: "H9x", title: "a Host with another port", outcome: "H403 forbidden", sent: handshake({ Host: `${HUB}0` }) },
  { id: "H9y", title: "the Host that is listed", outcome: "ok", sent: handshake({ Host: "hub.example" }) },
  { id: "H9z", title: "localhost without a port", outcome: "ok", sent: handshake({ Host: "localhost" }) },
];

/** uWebSockets.js answers by itself where its buffer is full. */
const HEAD_TOO_LARGE = { uws: "H431", ws: "H431 bad_request" } as const;

const SIZES: readonly TextCase[] = [
  {
    id: "H10a",
    title: "a header over the limit",
    outcome: HEAD_TOO_LARGE,
    sent: handshake({ "X-A": "a".repeat(MAX_HEADER_BYTES) }),
  },
  {
    id: "H10b",
    title: "90 headers, together over the limit",
    outcome: HEAD_TOO_LARGE,
    sent: handshake(Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`X-${n}`, "a".repeat(200)]))),
  },
  {
    id: "H10c",
    title: "150 headers",
    outcome: HEAD_TOO_LARGE,
    sent: handshake(Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`X-${n}`, "a"]))),
  },
  {
    id: "H10d",
    title: "a name of a header over the limit",
    outcome: HEAD_TOO_LARGE,
    sent: handshake({ ["X".repeat(MAX_HEADER_BYTES)]: "a" }),
  },
  {
    id: "H10e",
    title: "a path over the limit",
    outcome: HEAD_TOO_LARGE,
    sent: handshake({}, `GET /v1/ws?${"a".repeat(MAX_HEADER_BYTES)}`),
  },
];

export const HANDSHAKES: readonly HostileCase[] = textCases([
  ...VERSIONS,
  ...KEYS,
  { id: "H2h", title: "two keys", outcome: "H400 bad_request", sent: TWO_KEYS, isLast: true },
  ...METHODS,
  ...SUBPROTOCOLS,
  ...ORIGINS,
  ...HOSTS,
  ...SIZES,
]);

const FIRST_LINE = "GET /v1/ws HTTP/1.1\r\n";

/** A byte every so often, for ever. */
export const SLOW_HANDSHAKES: readonly HostileCase[] = [
  {
    id: "H11a",
    title: "a head of which a byte comes now and then",
    outcome: { uws: "DROP", ws: "H408 bad_request" },
    meet: (scene) => dribble(scene, FIRST_LINE.length),
    patientOver: ["uws"],
  },
  {
    id: "H11b",
    title: "a first line of which a byte comes now and then, where uWebSockets.js waits for no rest",
    outcome: { uws: "H505", ws: "H408 bad_request" },
    meet: (scene) => dribble(scene, 0),
  },
];

export const MANY_HANDSHAKES: readonly HostileCase[] = [
  { id: "H12", title: "one connection too many from one address", outcome: "H429 too_many", meet: openTooMany },
];

/** @param at where in the head it begins to be slow */
async function dribble({ hub }: Scene, at: number): Promise<Outcome> {
  using client = await dial(hub.port);
  const head = handshake({ "X-Slow": "s".repeat(10_000) }).replaceAll(HUB, `127.0.0.1:${hub.port}`);
  client.send(head.slice(0, at));
  let next = at;
  const drip = setInterval(() => client.send(head.charAt(next++)), 50);
  try {
    await client.closed();
  } finally {
    clearInterval(drip);
  }
  return outcomeOf(hub, client);
}

async function openTooMany(scene: Scene): Promise<Outcome> {
  const clients: RawClient[] = [];
  const open = async (): Promise<RawClient> => {
    const client = await askForWebSocket(scene);
    clients.push(client);
    return client;
  };
  try {
    while (clients.length < MAX_CONNECTIONS - 2) expect(outcomeOf(scene.hub, await open())).toBe("ok");
    const refused = await open();
    expect(refused.text).toMatch(/\r\nRetry-After: [1-9]\d*\r\n/);
    clients[0]?.socket.destroy();
    await until("there is room again", async () => /^HTTP\/1\.1 101 /.test((await open()).text));
    return outcomeOf(scene.hub, refused);
  } finally {
    for (const client of clients) client.socket.destroy();
  }
}

async function askForWebSocket({ hub }: Scene): Promise<RawClient> {
  const client = await dial(hub.port);
  client.send(handshake().replaceAll(HUB, `127.0.0.1:${hub.port}`));
  await client.when("the hub answers", () => client.isClosed || client.text.includes("\r\n\r\n"));
  return client;
}
