/** P: requests whose framing is in doubt, that are too large, or that ask for what there is not. */
import { expect } from "vitest";
import { ask, askJson } from "../../support/http-request.js";
import { dial } from "../../support/raw-client.js";
import type { TransportName } from "../../support/transports.js";
import type { HostileCase, Outcome, Scene } from "../case.js";
import { head, HUB, inPieces, outcomeOf, textCases, withBody, type TextCase } from "../raw.js";
import { noteRefusal, wipe } from "../traces.js";

export const MAX_HEADER_BYTES = 16_384;
export const MAX_BODY_BYTES = 8_192;
export const REQUEST_TIMEOUT_MS = 1_000;
const LISTED = "https://good.example";
export const TOKEN = "correct-horse-battery-staple-0123456789";

export const HTTP_ARGS = ["--max-body-bytes", String(MAX_BODY_BYTES), "--allowed-origins", LISTED] as const;
export const SLOW_HTTP_ARGS = ["--request-timeout-ms", String(REQUEST_TIMEOUT_MS)] as const;

const JSON_TYPE = "Content-Type: application/json";
const CHUNKED = "Transfer-Encoding: chunked";
const POST = "POST /v1/topics/hostile/messages";
const MESSAGE = '{"data":1}';
/** What is hidden behind a request whose length can be read in two ways. */
const SMUGGLED = withBody(POST, '{"data":"smuggled"}', JSON_TYPE);

type PerTransport = Readonly<Record<TransportName, Outcome>>;

const REFUSED: Outcome = "H400 bad_request";
/** uWebSockets.js answers by itself, without a body. */
const BY_LIBRARY: PerTransport = { uws: "H400", ws: "H400 bad_request" };

/** A publish with these headers and this body, and another request behind it. */
function doubtful(id: string, title: string, headers: readonly string[], body: string, outcome = BY_GUARD): TextCase {
  return { id, title, outcome, sent: `${head(POST, JSON_TYPE, ...headers)}${body}${SMUGGLED}`, isLast: true };
}

const BY_GUARD: HostileCase["outcome"] = REFUSED;
const LENGTH = `Content-Length: ${MESSAGE.length}`;
const CHUNKS = `${MESSAGE.length.toString(16)}\r\n${MESSAGE}\r\n0\r\n\r\n`;

const FRAMING: readonly TextCase[] = [
  doubtful("P1a", "Content-Length and Transfer-Encoding", [LENGTH, CHUNKED], CHUNKS, BY_LIBRARY),
  doubtful("P1b", "Transfer-Encoding and Content-Length", [CHUNKED, LENGTH], CHUNKS, BY_LIBRARY),
  doubtful("P1c", "Content-Length 0 and Transfer-Encoding", ["Content-Length: 0", CHUNKED], CHUNKS, BY_LIBRARY),
  doubtful("P2a", "two Content-Lengths that differ", ["Content-Length: 0", LENGTH], MESSAGE),
  doubtful("P2b", "two Content-Lengths that are equal", [LENGTH, LENGTH], MESSAGE),
  doubtful("P3a", "Transfer-Encoding: xchunked", ["Transfer-Encoding: xchunked"], CHUNKS),
  doubtful("P3b", "Transfer-Encoding: chunked, identity", ["Transfer-Encoding: chunked, identity"], CHUNKS),
  doubtful("P3c", "Transfer-Encoding twice", [CHUNKED, CHUNKED], CHUNKS),
  doubtful("P3d", "Transfer-Encoding: identity", ["Transfer-Encoding: identity"], CHUNKS),
  doubtful("P3e", "Transfer-Encoding: gzip, chunked", ["Transfer-Encoding: gzip, chunked"], CHUNKS),
  doubtful("P3f", "an empty Transfer-Encoding", ["Transfer-Encoding:"], CHUNKS),
  ...["+5", "5,5", "0x5", "18446744073709551617", "-1", "", "5 5", "1e1", "9".repeat(400)].map((length, at) =>
    doubtful(
      `P4${"abcdefghi"[at] ?? ""}`,
      `Content-Length ${JSON.stringify(length.slice(0, 30))}`,
      [`Content-Length: ${length}`],
      MESSAGE,
    ),
  ),
];

/** The line of a request that a lax reader takes, and a route that would store something. */
function plain(lines: readonly string[], end = "\r\n"): string {
  return [...lines, LENGTH, JSON_TYPE, "", ""].join(end) + MESSAGE;
}

const LINE = `${POST} HTTP/1.1`;
const HOST = `Host: ${HUB}`;

/** uWebSockets.js waits ten seconds for a header that it understands. */
const WAITS: Pick<TextCase, "outcome" | "patientOver" | "timeoutMs"> = {
  outcome: { uws: "DROP", ws: REFUSED },
  patientOver: ["uws"],
  timeoutMs: 15_000,
};

const GRAMMAR: readonly TextCase[] = [
  {
    id: "P5a",
    title: "line feeds alone",
    outcome: { uws: "H505", ws: "H505 bad_request" },
    sent: plain([LINE, HOST], "\n"),
  },
  { id: "P5b", title: "a space before the colon", ...WAITS, sent: plain([LINE, HOST, "X-A : b"]) },
  { id: "P5c", title: "a folded header", ...WAITS, sent: plain([LINE, HOST, "X-A: b\r\n c"]) },
  { id: "P5d", title: "NUL in a header", ...WAITS, sent: plain([LINE, HOST, "X-A: b\0c"]) },
  { id: "P5e", title: "no Host", outcome: BY_LIBRARY, sent: plain([LINE]), isLast: true },
  {
    id: "P5f",
    title: "an empty Host",
    outcome: { uws: "H403 forbidden", ws: "H403 forbidden" },
    sent: plain([LINE, "Host:"]),
  },
  { id: "P5g", title: "a header without a colon", ...WAITS, sent: plain([LINE, HOST, "X-A"]) },
  {
    id: "P5h",
    title: "a header without a name, which uWebSockets.js takes for the last one: no Content-Type, no body",
    outcome: { uws: "H415 bad_request", ws: REFUSED },
    sent: plain([LINE, HOST, ": b"]),
  },
  { id: "P5i", title: "a carriage return in a header", ...WAITS, sent: plain([LINE, HOST, "X-A: b\rc"]) },
  { id: "P6a", title: "two Hosts", outcome: REFUSED, sent: plain([LINE, HOST, HOST]), isLast: true },
  {
    id: "P6b",
    title: "two Hosts that differ",
    outcome: REFUSED,
    sent: plain([LINE, HOST, "Host: evil.example"]),
    isLast: true,
  },
  {
    id: "P6c",
    title: "an absolute target with another Host",
    outcome: { uws: "H505", ws: REFUSED },
    sent: plain(["POST http://evil.example/v1/topics/hostile/messages HTTP/1.1", HOST]),
    isLast: true,
  },
];

const CHUNKING: readonly TextCase[] = [
  {
    id: "P7a",
    title: "a chunk size beyond all bounds",
    outcome: BY_LIBRARY,
    isCountedUnseen: true,
    sent: `${head(POST, JSON_TYPE, CHUNKED)}fffffffffffffffff\r\n${MESSAGE}`,
  },
  {
    id: "P7b",
    title: "a chunk size that is no number",
    outcome: BY_LIBRARY,
    isCountedUnseen: true,
    sent: `${head(POST, JSON_TYPE, CHUNKED)}zz\r\n${MESSAGE}`,
  },
  {
    id: "P7c",
    title: "a negative chunk size",
    outcome: BY_LIBRARY,
    isCountedUnseen: true,
    sent: `${head(POST, JSON_TYPE, CHUNKED)}-a\r\n${MESSAGE}`,
  },
  {
    id: "P7d",
    title: "a chunk extension of 1 MiB",
    outcome: { uws: "H400", ws: "H413 bad_request" },
    isCountedUnseen: true,
    mayLoseAnswer: true,
    sent: inPieces(`${head(POST, JSON_TYPE, CHUNKED)}a;${"x".repeat(1_048_576)}\r\n${MESSAGE}\r\n0\r\n\r\n`),
  },
  {
    id: "P7e",
    title: "a chunk that is longer than it says",
    outcome: BY_LIBRARY,
    isCountedUnseen: true,
    sent: `${head(POST, JSON_TYPE, CHUNKED)}5\r\n${MESSAGE}\r\n0\r\n\r\n`,
  },
];

const TOO_LARGE = JSON.stringify({ data: "x".repeat(MAX_BODY_BYTES) });

const SIZES: readonly TextCase[] = [
  {
    id: "P8a",
    title: "a body over maxBodyBytes, by its length",
    outcome: "H413 too_large",
    sent: head(POST, JSON_TYPE, `Content-Length: ${TOO_LARGE.length}`),
  },
  {
    id: "P8b",
    title: "a body over maxBodyBytes, in chunks",
    outcome: "H413 too_large",
    sent: `${head(POST, JSON_TYPE, CHUNKED)}${TOO_LARGE.length.toString(16)}\r\n${TOO_LARGE}\r\n`,
  },
  {
    id: "P8c",
    title: "a body of a petabyte, announced",
    outcome: "H413 too_large",
    sent: head(POST, JSON_TYPE, "Content-Length: 999999999999999"),
  },
  {
    id: "P8d",
    title: "a body over maxBodyBytes by one byte",
    outcome: "H413 too_large",
    sent: withBody(POST, JSON.stringify({ data: "x".repeat(MAX_BODY_BYTES - 10) }), JSON_TYPE),
  },
];

const TYPES: readonly TextCase[] = [
  ["a", "application/json; charset=utf-16", "H415 bad_request"],
  ["b", undefined, "H415 bad_request"],
  ["c", "text/html", "H415 bad_request"],
  ["d", "text/plain; charset=latin1", "H415 bad_request"],
  ["e", "application/vnd.msgpack", "H415 bad_request"],
  ["f", "nonsense", "H415 bad_request"],
  ["g", "multipart/form-data; boundary=x", "H415 bad_request"],
  ["h", "application/x-www-form-urlencoded", "H415 bad_request"],
].map(([letter, type, outcome]) => ({
  id: `P10${letter ?? ""}`,
  title: `Content-Type ${type ?? "none"}`,
  outcome: outcome as Outcome,
  sent: withBody(POST, MESSAGE, ...(type === undefined ? [] : [`Content-Type: ${type}`])),
  answer: /"field":"Content-Type"/,
}));

const CONTENTS: readonly TextCase[] = [
  {
    id: "P10i",
    title: "a byte order mark",
    outcome: "H400 bad_frame",
    sent: withBody(POST, `\xef\xbb\xbf${MESSAGE}`, JSON_TYPE),
  },
  {
    id: "P10j",
    title: "JSON that is no UTF-8",
    outcome: "H400 bad_frame",
    sent: withBody(POST, '{"data":"\xff"}', JSON_TYPE),
  },
  {
    id: "P10k",
    title: "text that is no UTF-8",
    outcome: REFUSED,
    sent: withBody(POST, "\xc3(", "Content-Type: text/plain"),
  },
  { id: "P10l", title: "no body", outcome: "H400 bad_frame", sent: withBody(POST, "", JSON_TYPE) },
  {
    id: "P10m",
    title: "Content-Type twice",
    outcome: "H415 bad_request",
    sent: withBody(POST, MESSAGE, JSON_TYPE, "Content-Type: text/plain"),
  },
  {
    id: "P10n",
    title: "Content-Encoding: gzip, which isn't unpacked",
    outcome: "H400 bad_frame",
    sent: withBody(POST, "\x1f\x8b\x08\0\0\0\0\0", JSON_TYPE, "Content-Encoding: gzip"),
  },
];

/** A publish of text with these headers. */
function withKey(id: string, title: string, outcome: TextCase["outcome"], ...headers: readonly string[]): TextCase {
  return {
    id,
    title: `Ringcast-Key ${title}`,
    outcome,
    sent: withBody(POST, "x", "Content-Type: text/plain", ...headers),
  };
}

const HEAD_TOO_LARGE: PerTransport = { uws: "H431", ws: "H431 bad_request" };

const KEYS: readonly TextCase[] = [
  {
    id: "P11a",
    title: "Ringcast-Key of 64 kB",
    outcome: HEAD_TOO_LARGE,
    mayLoseAnswer: true,
    sent: inPieces(withBody(POST, "x", "Content-Type: text/plain", `Ringcast-Key: ${"k".repeat(65_536)}`)),
  },
  withKey("P11b", "of 2,000 bytes", REFUSED, `Ringcast-Key: ${"k".repeat(2_000)}`),
  withKey("P11c", "of raw bytes", REFUSED, "Ringcast-Key: k\xe9y"),
  withKey("P11d", "twice", REFUSED, "Ringcast-Key: a", "Ringcast-Key: b"),
];

const PATHS: readonly TextCase[] = [
  ["GET", "/v1/topics/..%2f..%2fetc", "H400 invalid_topic"],
  ["GET", "/v1/topics/%00", "H400 invalid_topic"],
  ["GET", "/v1/topics/%zz", "H400 bad_request"],
  ["GET", "/v1/topics/%", "H400 bad_request"],
  ["GET", "/v1/topics/%252e", "H400 invalid_topic"],
  ["GET", "/v1/topics/%c3%28", "H400 bad_request"],
  ["GET", "/v1/topics/%ed%a0%80", "H400 bad_request"],
  ["GET", `/v1/topics/${"a".repeat(8_000)}`, "H400 bad_request"],
  ["GET", "/v1/topics/a.*", "H400 invalid_topic"],
  ["GET", "/v1/topics/../../etc/passwd", "H404 unknown_op"],
  ["GET", "/v1/topics/a/b/c", "H404 unknown_op"],
  ["GET", "//v1/topics", "H404 unknown_op"],
  ["GET", "/V1/topics", "H404 unknown_op"],
  ["GET", "/v1/topics/;a", "H400 invalid_topic"],
  ["GET", "/nowhere", "H404 unknown_op"],
  ["GET", "/v1/groups", "H404 unknown_op"],
  ["GET", "/v1/groups/g", "H404 unknown_op"],
  ["PUT", "/v1/groups/g/positions", "H404 unknown_op"],
  ["GET", "/sdk/../../package.json", "H404 unknown_op"],
  ["GET", "/sdk/..%2f..%2fpackage.json", "H404 unknown_op"],
].map(([method, path, outcome], at) => ({
  id: `P12-${at + 1}`,
  title: `${method ?? ""} ${path?.slice(0, 40) ?? ""}`,
  outcome: outcome as Outcome,
  sent: head(`${method ?? ""} ${path ?? ""}`),
}));

const QUERIES: readonly TextCase[] = [
  ["from=-1", "invalid_offset"],
  ["from=1e3", "invalid_offset"],
  ["from=1.5", "invalid_offset"],
  ["from=0x1", "invalid_offset"],
  ["from=99999999999999999999", "invalid_offset"],
  ["from=", "invalid_offset"],
  ["from=1&from=2", "bad_request"],
  ["from=%zz", "bad_request"],
  ["from=%00", "invalid_offset"],
  ["limit=0", "bad_request"],
  ["limit=1e9", "bad_request"],
  ["limit=1000000000", "bad_request"],
  ["limit=1001", "bad_request"],
  ["limit=-1", "bad_request"],
  ["partition=x", "bad_request"],
  ["partition=-1", "bad_request"],
  ["partition=1", "unknown_topic"],
  ["from=1&epoch=a.b", "bad_request"],
  [`epoch=${"e".repeat(33)}`, "bad_request"],
].map(([query, code], at) => ({
  id: `P13-${at + 1}`,
  title: `?${query?.slice(0, 40) ?? ""}`,
  outcome: (code === "unknown_topic" ? "H404 unknown_topic" : `H400 ${code ?? ""}`) as Outcome,
  sent: head(`GET /v1/topics/nobody/messages?${query ?? ""}`),
}));

function configured(id: string, config: string, field: string): TextCase {
  return {
    id,
    title: `the configuration ${config.slice(0, 40)}`,
    outcome: REFUSED,
    sent: withBody("PUT /v1/topics/unmade", config, JSON_TYPE),
    answer: new RegExp(`"field":"${field}"`),
  };
}

const CONFIGURATIONS: readonly TextCase[] = [
  configured("P15a", '{"capacityBytes":-1}', "capacityBytes"),
  configured("P15b", '{"capacityBytes":1e30}', "capacityBytes"),
  configured("P15c", '{"capacityBytes":"16MB"}', "capacityBytes"),
  configured("P15d", '{"capacityBytes":65535}', "capacityBytes"),
  configured("P15e", '{"partitions":1000000000}', "partitions"),
  configured("P15f", '{"partitions":0}', "partitions"),
  configured("P15g", '{"partitions":1.5}', "partitions"),
  configured("P15h", '{"retentionMs":-1}', "retentionMs"),
  configured("P15i", '{"retentionRecords":1.5}', "retentionRecords"),
  configured("P15j", '{"storage":null}', "storage"),
  configured("P15k", '{"storage":"network"}', "storage"),
  configured("P15l", '{"durability":"maybe"}', "durability"),
  ...["{", "[1]", '"x"', "null", '{"partitions":1}{}'].map((body, at): TextCase => ({
    id: `P15-${at + 1}`,
    title: `the configuration ${body}`,
    outcome: at === 0 || at === 4 ? "H400 bad_frame" : REFUSED,
    sent: withBody("PUT /v1/topics/unmade", body, JSON_TYPE),
  })),
];

const ALLOWED = /\r\naccess-control-allow/i;

function preflight(id: string, origin: string, allowed: boolean): TextCase {
  const request = head("OPTIONS /v1/topics/t/messages", `Origin: ${origin}`, "Access-Control-Request-Method: POST");
  const title = `a preflight from ${origin}`;
  const found = allowed ? { answer: ALLOWED } : { without: ALLOWED };
  return { id, title, outcome: "ok", sent: request, ...found };
}

const CROSS_ORIGIN: readonly TextCase[] = [
  preflight("P16a", "http://evil.example", false),
  preflight("P16b", "null", false),
  preflight("P16c", "https://good.example.evil.com", false),
  preflight("P16d", LISTED, true),
  {
    id: "P16e",
    title: "Origin: null with a cookie",
    outcome: "H403 forbidden",
    sent: head("GET /v1/topics", "Origin: null", "Cookie: a=b"),
    without: ALLOWED,
  },
];

const METHODS: readonly TextCase[] = [
  { id: "P17a", title: "TRACE", outcome: "H405 bad_request", sent: head("TRACE /"), isLast: true },
  {
    id: "P17b",
    title: "CONNECT",
    outcome: { uws: "H505", ws: "H405 bad_request" },
    sent: head("CONNECT evil.example:80"),
    isLast: true,
  },
  {
    id: "P17c",
    title: "the preface of HTTP/2",
    outcome: { uws: "H505", ws: "H505 bad_request" },
    sent: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    isLast: true,
  },
  {
    id: "P17d",
    title: "HTTP/1.0",
    outcome: { uws: "H505", ws: "H505 bad_request" },
    sent: `GET / HTTP/1.0\r\nHost: ${HUB}\r\n\r\n`,
    isLast: true,
  },
  {
    id: "P17e",
    title: "HTTP/2.0",
    outcome: { uws: "H505", ws: "H505 bad_request" },
    sent: `GET / HTTP/2.0\r\nHost: ${HUB}\r\n\r\n`,
    isLast: true,
  },
  {
    id: "P17f",
    title: "an absolute target with the hub's own Host",
    outcome: { uws: "H505", ws: "ok" },
    sent: head(`GET http://${HUB}/healthz`),
  },
  {
    id: "P17g",
    title: "a method nobody knows",
    outcome: { uws: "H405 bad_request", ws: BY_LIBRARY.ws },
    sent: head("BREW /v1/topics"),
  },
  {
    id: "P17h",
    title: "a method in small letters",
    outcome: { uws: "H405 bad_request", ws: BY_LIBRARY.ws },
    sent: head("get /healthz"),
  },
  {
    id: "P17i",
    title: "PATCH",
    outcome: "H405 bad_request",
    sent: head("PATCH /v1/topics/t"),
    answer: /\r\nAllow: GET/,
  },
  {
    id: "P17j",
    title: "POST where nothing is to be posted",
    outcome: "H405 bad_request",
    sent: withBody("POST /healthz", "{}"),
  },
  {
    id: "P17k",
    title: "HTTP/0.9",
    ...WAITS,
    outcome: { uws: "DROP", ws: "H505 bad_request" },
    sent: "GET /\r\n\r\n",
    isLast: true,
  },
  {
    id: "P17l",
    title: "a TLS hello",
    outcome: { uws: "H505", ws: BY_LIBRARY.ws },
    sent: "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 \r\n\r\n",
  },
];

const RAW_PATH: TextCase = {
  id: "P12-x",
  title: "a path of raw bytes",
  outcome: { uws: "H400 invalid_topic", ws: "H400 bad_request" },
  sent: head("GET /v1/topics/\xe9"),
};

export const HTTP: readonly HostileCase[] = textCases([
  RAW_PATH,
  ...FRAMING,
  ...GRAMMAR,
  ...CHUNKING,
  ...SIZES,
  ...TYPES,
  ...CONTENTS,
  ...KEYS,
  ...PATHS,
  ...QUERIES,
  ...CONFIGURATIONS,
  ...CROSS_ORIGIN,
  ...METHODS,
]);

/** With a token. */
export const GUARDED_HTTP: readonly HostileCase[] = textCases([
  {
    id: "P14a",
    title: "?token=",
    outcome: "H401 unauthorized",
    sent: head(`GET /v1/topics?token=${TOKEN}`),
    without: new RegExp(TOKEN),
  },
  {
    id: "P14b",
    title: "?access_token=",
    outcome: "H401 unauthorized",
    sent: head(`GET /v1/topics?access_token=${TOKEN}`),
  },
  {
    id: "P14c",
    title: "a token as user information",
    outcome: "H401 unauthorized",
    sent: head("GET /v1/topics", `Authorization: Basic ${btoa(`x:${TOKEN}`)}`),
  },
  {
    id: "P14d",
    title: "two Authorizations",
    outcome: "H401 unauthorized",
    sent: head("GET /v1/topics", "Authorization: Bearer wrong", `Authorization: Bearer ${TOKEN}`),
  },
]);

/** Those that end when the hub has waited long enough. */
export const SLOW_HTTP: readonly HostileCase[] = [
  ...textCases([
    {
      id: "P7f",
      title: "chunks without a last one",
      outcome: REFUSED,
      sent: `${head(POST, JSON_TYPE, CHUNKED)}a\r\n${MESSAGE}\r\n`,
      isLast: true,
      timeoutMs: 5_000,
    },
    {
      id: "P9b",
      title: "a body that doesn't come",
      outcome: REFUSED,
      sent: head(POST, JSON_TYPE, LENGTH),
      isLast: true,
      timeoutMs: 5_000,
    },
  ]),
  { id: "P9a", title: "a body of which a byte comes now and then", outcome: REFUSED, meet: dribble },
];

async function dribble({ hub }: Scene): Promise<Outcome> {
  using client = await dial(hub.port);
  client.send(head(POST, JSON_TYPE, "Content-Length: 5000").replaceAll(HUB, `127.0.0.1:${hub.port}`));
  const drip = setInterval(() => client.send("x"), 50);
  try {
    await client.closed(5_000);
  } finally {
    clearInterval(drip);
  }
  return outcomeOf(hub, client);
}

const SCRIPT = "<script>alert(1)</script>\u001b[31m";

export const HTTP_STORIES: readonly HostileCase[] = [
  { id: "P15m", title: "fewer partitions than there are", outcome: "H409 conflict", meet: shrink },
  { id: "P18a", title: "a script as data, asked for as a page", outcome: "ok", meet: readScript },
  { id: "P18b", title: "a script in the path of a page", outcome: "H404 unknown_op", meet: asksForScript },
];

async function shrink({ hub }: Scene): Promise<Outcome> {
  await askJson(hub, "PUT", "/v1/topics/shrunk", { partitions: 3 });
  const { status, json } = await askJson(hub, "PUT", "/v1/topics/shrunk", { partitions: 2 });
  const described = await ask(hub, "/v1/topics/shrunk");
  await wipe(hub);
  expect(described.json["partitions"]).toHaveLength(3);
  noteRefusal(hub, "http", String(json["code"]));
  return `H${status} ${String(json["code"])}` as Outcome;
}

/** Data is never anything but data: of its own type, whatever a browser would make of it, and on no page. */
async function readScript({ hub }: Scene): Promise<Outcome> {
  await askJson(hub, "POST", "/v1/topics/script/messages", { data: SCRIPT, key: SCRIPT });
  const answers = [await ask(hub, "/v1/topics/script/messages"), await ask(hub, "/v1/topics")];
  const pages = [await ask(hub, "/"), await ask(hub, "/sdk/ringcast.js")];
  await wipe(hub);
  for (const { headers } of answers) {
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(headers["x-content-type-options"]).toBe("nosniff");
  }
  for (const { headers, text } of pages) {
    expect(headers["content-security-policy"]).toMatch(/^default-src 'self'/);
    expect(headers["content-security-policy"]).not.toMatch(/unsafe-(?:inline|eval)/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(text).not.toContain("alert(1)");
  }
  return "ok";
}

async function asksForScript({ hub }: Scene): Promise<Outcome> {
  const { status, json, text, headers } = await ask(hub, "/%3Cscript%3Ealert(1)%3C/script%3E");
  expect(text).not.toContain("<script>");
  expect(headers["content-type"]).toBe("application/json; charset=utf-8");
  noteRefusal(hub, "http", String(json["code"]));
  return `H${status} ${String(json["code"])}` as Outcome;
}
