/** The tables of test/hostile again and again: what they leave in the hub's memory, and what they cost a bystander. */
import { describe, expect, it } from "vitest";
import { Bystander } from "../hostile/bystander.js";
import type { HostileCase } from "../hostile/case.js";
import { BINARY_PUBLISH } from "../hostile/cases/binary-publish.js";
import { EVENT_STREAM_ARGS, EVENT_STREAMS } from "../hostile/cases/event-stream.js";
import { HANDSHAKE_ARGS, HANDSHAKES } from "../hostile/cases/handshake.js";
import { HTTP, HTTP_ARGS, HTTP_STORIES } from "../hostile/cases/http.js";
import { MSGPACK } from "../hostile/cases/msgpack.js";
import { READING } from "../hostile/cases/reading.js";
import { REQUESTS } from "../hostile/cases/requests.js";
import { TOPICS } from "../hostile/cases/topics.js";
import { WEB_SOCKET, WEB_SOCKET_ARGS } from "../hostile/cases/web-socket.js";
import { doorsOf } from "../hostile/session.js";
import { MemoryWatch } from "../support/footprint.js";
import type { TestHub } from "../support/hub.js";
import { startInspectedHub } from "../support/inspected-hub.js";
import { TRANSPORTS, type TransportName } from "../support/transports.js";
import { until } from "../support/until.js";
import { addRow, NOTHING } from "./rows.js";
import { amount } from "./scale.js";

const IS_LONG = amount(0, 1) === 1;

const KIB = 1024;

interface Family {
  readonly name: string;
  readonly cases: readonly HostileCase[];
  readonly args?: readonly string[];
}

/** What the transports may meet in different ways. */
const BYTES: readonly Family[] = [
  { name: "frames", cases: WEB_SOCKET, args: WEB_SOCKET_ARGS },
  { name: "handshakes", cases: HANDSHAKES, args: HANDSHAKE_ARGS },
  { name: "requests over HTTP", cases: [...HTTP, ...HTTP_STORIES], args: HTTP_ARGS },
  { name: "event streams", cases: EVENT_STREAMS, args: EVENT_STREAM_ARGS },
];
/** What is the same behind both of them. */
const REQUEST_TABLES: readonly Family[] = [
  { name: "JSON and msgpack requests", cases: doorsOf([...REQUESTS, ...READING]) },
  { name: "msgpack", cases: doorsOf(MSGPACK) },
  { name: "batch frames", cases: doorsOf(BINARY_PUBLISH) },
  { name: "topics", cases: doorsOf(TOPICS) },
];

const RUNS = TRANSPORTS.flatMap((transport, at) =>
  [...BYTES, ...(at === 0 || IS_LONG ? REQUEST_TABLES : [])].map((family) => ({ ...family, transport })),
);

/** What a case may leave in the hub, over all, after a collection. */
const KEPT_BYTES_A_CASE = 4 * KIB;
/** The allocator takes and gives back memory in pieces, however few bytes are in use. */
const SLACK_BYTES = 256 * KIB;
/** A heap that has grown for another reason has done so once; a leak goes on. */
const WINDOWS = 3;
/** Beyond it a case is tried once, not again and again. */
const CHEAP_MS = 150;
/** Cases in a window. */
const TRIES = amount(200, 20_000);
const QUIET_MESSAGES = 100;
const TIMEOUT_MS = amount(180_000, 3_600_000);

describe("hostile input, again and again", () => {
  it.each(RUNS)("$name leave nothing in memory over $transport", { timeout: TIMEOUT_MS }, async (run) => {
    await using hub = await startInspectedHub({ args: ["--transport", run.transport, ...(run.args ?? [])] });
    await using bystander = await Bystander.start(hub);
    using memory = new MemoryWatch(hub);
    const cheap = await cheapOf(run.cases, hub, run.transport);
    // What is made once and kept: code, tables, buffers.
    await tryAll(cheap, hub, run.transport);
    const kept: number[] = [];
    const quiet: number[] = [];
    const meanwhile: number[] = [];
    for (let window = 0; window < WINDOWS; window++) {
      const before = await hub.keptBytes();
      quiet.push(...(await latenciesIn(bystander, () => until("a quiet stretch", enough(bystander)))));
      meanwhile.push(...(await latenciesIn(bystander, () => tryAll(cheap, hub, run.transport))));
      kept.push((await hub.keptBytes()) - before);
    }
    await bystander.complete();

    const messages = bystander.latencies.length;
    addRow({
      ...{ fault: `hostile: ${run.name} over ${run.transport}`, cycles: WINDOWS * TRIES, operations: WINDOWS * TRIES },
      ...{ acknowledged: messages, delivered: messages, ...NOTHING, peakMiB: memory.peakMiB },
      bystanderP99Ms: { quiet: p99(quiet), meanwhile: p99(meanwhile) },
    });
    expect(Math.min(...kept)).toBeLessThanOrEqual(KEPT_BYTES_A_CASE * TRIES + SLACK_BYTES);
  });
});

function enough({ latencies }: Bystander): () => boolean {
  const from = latencies.length;
  return () => latencies.length >= from + QUIET_MESSAGES;
}

async function latenciesIn({ latencies }: Bystander, stretch: () => Promise<void>): Promise<number[]> {
  const from = latencies.length;
  await stretch();
  return latencies.slice(from);
}

/** Each is met as it should be, and those that take no time are repeated. */
async function cheapOf(cases: readonly HostileCase[], hub: TestHub, transport: TransportName): Promise<HostileCase[]> {
  const cheap: HostileCase[] = [];
  for (const each of cases) {
    if (each.patientOver?.includes(transport) === true) continue;
    const begin = performance.now();
    await each.meet({ hub, transport });
    if (performance.now() - begin < CHEAP_MS) cheap.push(each);
  }
  return cheap;
}

async function tryAll(cases: readonly HostileCase[], hub: TestHub, transport: TransportName): Promise<void> {
  for (let tried = 0; tried < TRIES; tried++) {
    const each = cases[tried % cases.length] as HostileCase;
    const expected = typeof each.outcome === "string" ? each.outcome : each.outcome[transport];
    expect([each.id, await each.meet({ hub, transport })]).toEqual([each.id, expected]);
  }
}

function p99(latencies: readonly number[]): number {
  const ascending = latencies.toSorted((a, b) => a - b);
  return Math.round((ascending[Math.floor(ascending.length * 0.99)] ?? 0) * 10) / 10;
}
