/** S: event streams that are asked for wrongly, resumed oddly, not read, or whose token ends. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { EventReader } from "../../support/event-reader.js";
import { ask, askJson } from "../../support/http-request.js";
import type { TestHub } from "../../support/hub.js";
import { dial } from "../../support/raw-client.js";
import { until } from "../../support/until.js";
import type { HostileCase, Outcome, Scene } from "../case.js";
import { head, HUB, inPieces, outcomeOf, textCases, type TextCase } from "../raw.js";
import { noteRefusal, wipe } from "../traces.js";

export const MAX_STREAMS = 3;
export const STALL_TIMEOUT_MS = 500;
/** Its bearer's token is taken away in the middle of a stream. */
export const LEAVING = "token-of-bob-0123456789-0123456789";
export const STAYING = "token-of-ana-0123456789-0123456789";
const TOKEN_FILE = "tokens";

export const EVENT_STREAM_ARGS = [
  ...["--max-event-streams", String(MAX_STREAMS)],
  ...["--stall-timeout-ms", String(STALL_TIMEOUT_MS)],
] as const;

const EVENTS = "/v1/topics/events/events";

/** Ids that stand for no position. */
const NO_POSITIONS = [
  "x",
  "0",
  "0.a",
  "0.a.",
  "0.a.-1",
  "0.a.1.2",
  "0.a.1,0.a.2",
  "-1.a.1",
  "0.a.99999999999999999999",
  "0.a.+18446744073709551616",
  "0.a.1e3",
  "__proto__",
  "0.__proto__.x",
  "1.a.1",
  "0.a b.1",
  "0.a.1,",
  ",",
  "9".repeat(3_000),
  `0.${"e".repeat(33)}.1`,
  Array.from({ length: 500 }, (_, n) => `${n}.a.1`).join(","),
];

const IDS: readonly TextCase[] = [
  ...NO_POSITIONS.map((id, at): TextCase => ({
    id: `S1-${at + 1}`,
    title: `Last-Event-ID ${id.slice(0, 30)}`,
    outcome: "H400 invalid_offset",
    sent: head(`GET ${EVENTS}`, `Last-Event-ID: ${id}`),
    without: /text\/event-stream/,
  })),
  {
    id: "S1-64k",
    title: "Last-Event-ID of 64 kB",
    outcome: { uws: "H431", ws: "H431 bad_request" },
    mayLoseAnswer: true,
    sent: inPieces(head(`GET ${EVENTS}`, `Last-Event-ID: ${"0".repeat(65_536)}`)),
  },
  {
    id: "S1-twice",
    title: "Last-Event-ID twice",
    outcome: "H400 invalid_offset",
    sent: head(`GET ${EVENTS}`, "Last-Event-ID: 0.a.1", "Last-Event-ID: 0.a.2"),
  },
  ...["from=1e3", "from=-1", "from=x"].map((query, at): TextCase => ({
    id: `S1-from${at + 1}`,
    title: `?${query}`,
    outcome: "H400 invalid_offset",
    sent: head(`GET ${EVENTS}?${query}`),
  })),
  {
    id: "S1-from4",
    title: "two froms",
    outcome: "H400 bad_request",
    sent: head(`GET ${EVENTS}?from=earliest&from=latest`),
  },
];

export const EVENT_STREAMS: readonly HostileCase[] = [
  ...textCases(IDS),
  {
    id: "S1-other",
    title: "another topic's Last-Event-ID, which is another history",
    outcome: "ok",
    meet: resumeElsewhere,
  },
  { id: "S2a", title: "an epoch that has passed", outcome: "ok", meet: resumeOldEpoch },
  { id: "S2b", title: "a place below the tail", outcome: "ok", meet: resumeBelowTail },
  { id: "S2c", title: "a place beyond the head", outcome: "H400 invalid_offset", meet: resumeBeyondHead },
  { id: "S3", title: "data that looks like fields of a stream", outcome: "ok", meet: injectFields },
  { id: "S4a", title: "one stream too many", outcome: "H429 too_many", meet: openTooMany },
  { id: "S4b", title: "a stream that nobody reads", outcome: "DROP", meet: readNothing },
];

async function publish(hub: TestHub, topic: string, ...all: readonly unknown[]): Promise<void> {
  const messages = all.map((data) => ({ data }));
  expect((await askJson(hub, "POST", `/v1/topics/${topic}/messages`, { messages })).status).toBe(201);
}

function open(hub: TestHub, topic: string, id?: string): Promise<EventReader> {
  const headers = id === undefined ? {} : { "Last-Event-ID": id };
  return EventReader.open(`${hub.url}/v1/topics/${topic}/events?from=earliest`, headers);
}

/** The id behind the first so many events of a topic. */
async function idAfter(hub: TestHub, topic: string, count: number): Promise<string> {
  using reader = await open(hub, topic);
  let id = "";
  for (let n = 0; n < count; n++) ({ id } = await reader.next());
  return id;
}

async function resumeElsewhere({ hub }: Scene): Promise<Outcome> {
  await publish(hub, "here", 1, 2);
  await publish(hub, "there", "a", "b");
  using reader = await open(hub, "there", await idAfter(hub, "here", 2));
  const [gap, first] = [await reader.next(), await reader.next()];
  await wipe(hub);
  expect([gap.event, JSON.parse(gap.data)]).toMatchObject(["gap", { reason: "epoch", from: 2, to: 2, next: 0 }]);
  expect(JSON.parse(first.data)).toMatchObject({ offset: 0, data: "a" });
  return "ok";
}

async function resumeOldEpoch({ hub }: Scene): Promise<Outcome> {
  await publish(hub, "again", 1, 2);
  const id = await idAfter(hub, "again", 1);
  await ask(hub, "/v1/topics/again", { method: "DELETE" });
  await publish(hub, "again", "new");
  using reader = await open(hub, "again", id);
  const [gap, first] = [await reader.next(), await reader.next()];
  await wipe(hub);
  expect([gap.event, JSON.parse(gap.data)]).toMatchObject(["gap", { reason: "epoch", next: 0 }]);
  expect(JSON.parse(first.data)).toMatchObject({ offset: 0, data: "new" });
  return "ok";
}

async function resumeBelowTail({ hub }: Scene): Promise<Outcome> {
  await askJson(hub, "PUT", "/v1/topics/short", { retentionRecords: 2 });
  await publish(hub, "short", 0, 1);
  const id = await idAfter(hub, "short", 1);
  await publish(hub, "short", 2, 3, 4);
  using reader = await open(hub, "short", id);
  const [gap, first] = [await reader.next(), await reader.next()];
  await wipe(hub);
  expect([gap.event, JSON.parse(gap.data)]).toMatchObject(["gap", { reason: "retention", from: 1, to: 2, next: 3 }]);
  expect(JSON.parse(first.data)).toMatchObject({ offset: 3, data: 3 });
  return "ok";
}

async function resumeBeyondHead({ hub }: Scene): Promise<Outcome> {
  await publish(hub, "ahead", 1);
  const id = (await idAfter(hub, "ahead", 1)).replace(/1$/, "2");
  const { status, json } = await ask(hub, "/v1/topics/ahead/events", { headers: { "Last-Event-ID": id } });
  await wipe(hub);
  expect(json["details"]).toEqual({ head: 1 });
  noteRefusal(hub, "http", String(json["code"]));
  return `H${status} ${String(json["code"])}` as Outcome;
}

async function injectFields({ hub }: Scene): Promise<Outcome> {
  const text = "one\ntwo\r\n\nid: 9\nevent: x\rretry: 1\u2028data: three";
  await ask(hub, "/v1/topics/lines/messages", {
    method: "POST",
    headers: { "Content-Type": "text/plain" },
    body: text,
  });
  await askJson(hub, "POST", "/v1/topics/lines/messages", '{"data":{\n"a":\r\n\r\n1},"key":"\\n\\nid: 9"}');
  using reader = await open(hub, "lines");
  const events = [await reader.next(), await reader.next()];
  await wipe(hub);
  expect(events.map(({ data }) => JSON.parse(data) as object)).toMatchObject([
    { data: text },
    { data: { a: 1 }, key: "\n\nid: 9" },
  ]);
  expect(events.map(({ event }) => event)).toEqual(["message", "message"]);
  expect(events[1]?.id).toMatch(/^0\..*\.2$/);
  expect(reader.retryMs).toBeUndefined();
  return "ok";
}

async function openTooMany({ hub }: Scene): Promise<Outcome> {
  const readers: EventReader[] = [];
  try {
    await until("there is room for all", async () => (await streamsOf(hub)) === 0);
    while (readers.length < MAX_STREAMS) readers.push(await open(hub, "many"));
    expect(readers.map(({ status }) => status)).toEqual(readers.map(() => 200));
    const refused = await ask(hub, "/v1/topics/many/events");
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect(refused.json["details"]).toEqual({ limit: MAX_STREAMS });
    readers[0]?.[Symbol.dispose]();
    await until("there is room again", async () => (await streamsOf(hub)) < MAX_STREAMS);
    noteRefusal(hub, "http", String(refused.json["code"]));
    return `H${refused.status} ${String(refused.json["code"])}` as Outcome;
  } finally {
    for (const reader of readers) reader[Symbol.dispose]();
    await wipe(hub);
  }
}

async function streamsOf(hub: TestHub): Promise<number> {
  return Number(/^ringcast_event_streams (\d+)$/m.exec((await ask(hub, "/metrics")).text)?.[1]);
}

/** Cut when it has taken nothing for `stallTimeoutMs`, whatever the kernel holds for it. */
async function readNothing({ hub }: Scene): Promise<Outcome> {
  using client = await dial(hub.port);
  client.send(head("GET /v1/topics/unread/events").replaceAll(HUB, `127.0.0.1:${hub.port}`));
  await client.reads(/^HTTP\/1\.1 200 [\s\S]*\n\n/);
  expect(outcomeOf(hub, client)).toBe("ok");
  client.socket.pause();
  for (let n = 0; n < 12; n++) await publish(hub, "unread", "x".repeat(900_000));
  await until("the stream is cut", async () => (await streamsOf(hub)) === 0, 25_000);
  await wipe(hub);
  client.socket.resume();
  await client.closed();
  return "DROP";
}

/** @param folder where {@link guardedArgs} has put the tokens */
export function guardedStreams(folder: string): readonly HostileCase[] {
  return [
    {
      id: "S5",
      title: "a token that is taken away",
      outcome: "H401 unauthorized",
      meet: (scene) => loseToken(scene, folder),
    },
  ];
}

/** @returns arguments of a hub that knows both tokens */
export function guardedArgs(folder: string): readonly string[] {
  const path = join(folder, TOKEN_FILE);
  writeFileSync(path, `bob:${LEAVING}\nana:${STAYING}\n`, { mode: 0o600 });
  return ["--token-file", path];
}

/** The stream ends, and whoever comes back with that token (an EventSource does by itself) is told not to. */
async function loseToken({ hub }: Scene, folder: string): Promise<Outcome> {
  const headers = { Authorization: `Bearer ${LEAVING}` };
  using reader = await EventReader.open(`${hub.url}${EVENTS}`, headers);
  await until("the stream has begun", () => reader.comments > 0);
  writeFileSync(join(folder, TOKEN_FILE), `ana:${STAYING}\n`);
  process.kill(hub.pid, "SIGHUP");
  await until("the stream has ended", () => reader.ended);
  const { status, json } = await ask(hub, EVENTS, { headers });
  noteRefusal(hub, "http", String(json["code"]));
  return `H${status} ${String(json["code"])}` as Outcome;
}
