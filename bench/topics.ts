/**
 * What do topics cost? Makes 100,000 of them over WebSocket (10,000 with a record, 90,000 idle), closes the hub and opens it again, kills it and opens it
 * again; asks for pages of the list; and publishes beside 10 and beside 100,000 patterns that don't match, in turns.
 *
 *   node --import tsx bench/topics.ts [--topics 100000] [--active 10000] [--patterns 100000] [--directory /tmp] [--launcher <ringcast.js>] [--json]
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CONTENT_TYPE, DEFAULT_LIMITS, DEFAULT_TOPIC_CONFIG, encodeUtf8 } from "@ringcast/protocol";
import { createHub, type Hub, type HubOptions, type Outlet } from "../server/src/hub/index.js";
import { openLogStore } from "../server/src/log/index.js";
import { createNodeRuntime } from "../server/src/runtime/index.js";
import { LocalSequencer } from "../server/src/sequencer/index.js";
import { HubProcess } from "./support/hub-process.js";
import { RequestPipe } from "./support/request-pipe.js";

const { values } = parseArgs({
  options: {
    topics: { type: "string", default: "100000" },
    active: { type: "string", default: "10000" },
    patterns: { type: "string", default: "100000" },
    directory: { type: "string", default: tmpdir() },
    launcher: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const TOPICS = Number(values.topics);
const ACTIVE = Number(values.active);
const IDLE = TOPICS - ACTIVE;
const PATTERNS = Number(values.patterns);
const FEW_PATTERNS = 10;
const PAGE = 1_000;
const PAGES = 50;
const STARTS = 3;
const ROUNDS = 9;
const PUBLISHES_PER_ROUND = 20_000;
const CREATIONS_PER_ROUND = 500;

/** A reader's socket that takes everything. */
const outlet: Outlet = {
  takeReplies: (_, count) => count,
  send: () => "open",
  failed: (error) => {
    throw error;
  },
};
const MESSAGE = {
  contentType: CONTENT_TYPE.json,
  key: undefined,
  headers: new Uint8Array(0),
  data: encodeUtf8('{"n":1}'),
};

const rows: { readonly what: string; readonly figure: number; readonly unit: string }[] = [];
const directory = mkdtempSync(join(values.directory, "ringcast-bench-"));
try {
  await measureTopics(join(directory, "topics"));
  await measurePatterns(join(directory, "patterns"));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (values.json) console.log(JSON.stringify(rows, undefined, 2));
else console.table(rows);

// ---- topics ----------------------------------------------------------------------------------------------------------

async function measureTopics(data: string): Promise<void> {
  let { hub } = await start(data);
  await create(hub);
  let beganMs = performance.now();
  await hub.stop();
  note("close the hub after that", performance.now() - beganMs, "ms");
  note("disk for each topic with a record", diskOf(join(data, "logs")) / ACTIVE, "bytes");
  note("catalogue for each topic", diskOf(join(data, "catalogue")) / TOPICS, "bytes");

  const empty: number[] = [];
  const full: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < STARTS; round++) {
    const none = await start(join(directory, `empty-${round}`));
    const all = await start(data);
    memory.push((all.hub.rssAnonBytes() - none.hub.rssAnonBytes()) / TOPICS);
    empty.push(none.tookMs);
    full.push(all.tookMs);
    if (round === STARTS - 1) await list(all.hub);
    await none.hub.stop();
    await all.hub.stop();
  }
  note("open a hub without topics (process included)", median(empty), "ms");
  note(`open a hub with ${TOPICS} topics, closed cleanly`, median(full), "ms");
  note("memory for each topic after opening", median(memory), "bytes");

  ({ hub } = await start(data));
  await use(hub);
  await hub.kill();
  const again = await start(data);
  note(`open it after a kill with ${ACTIVE} logs in use`, again.tookMs, "ms");
  note("memory then, for each topic", again.hub.rssAnonBytes() / TOPICS, "bytes");
  beganMs = performance.now();
  await again.hub.stop();
  note("close it then", performance.now() - beganMs, "ms");
}

async function start(data: string): Promise<{ readonly hub: HubProcess; readonly tookMs: number }> {
  const beganMs = performance.now();
  const args = ["--max-topics", String(2 * TOPICS)];
  const hub = await HubProcess.start(args, { data, launcher: values.launcher });
  return { hub, tookMs: performance.now() - beganMs };
}

/** Idle topics come into being by a subscription that ends at once, the others by a publish. */
async function create(hub: HubProcess): Promise<void> {
  await using pipe = await RequestPipe.connect(hub.port);
  const beforeBytes = hub.rssAnonBytes();
  let beganMs = performance.now();
  for (let i = 0; i < IDLE; i++) await pipe.send({ op: "subscribe", topic: `idle.${i % 100}.${i}` });
  await pipe.settled();
  const idleMs = performance.now() - beganMs;
  note("make idle topics over WebSocket", (IDLE / idleMs) * 1_000, "a second");
  beganMs = performance.now();
  await publishAll(pipe);
  const activeMs = performance.now() - beganMs;
  note("make topics with a record over WebSocket", (ACTIVE / activeMs) * 1_000, "a second");
  note(`make all ${TOPICS}`, idleMs + activeMs, "ms");
  note("memory for each topic just made", (hub.rssAnonBytes() - beforeBytes) / TOPICS, "bytes");
}

async function use(hub: HubProcess): Promise<void> {
  await using pipe = await RequestPipe.connect(hub.port);
  const beganMs = performance.now();
  await publishAll(pipe);
  note(
    "publish to each topic with records, the first time since the start",
    ((performance.now() - beganMs) / ACTIVE) * 1_000,
    "µs",
  );
}

async function publishAll(pipe: RequestPipe): Promise<void> {
  for (let i = 0; i < ACTIVE; i++) await pipe.send({ op: "publish", topic: `active.${i % 100}.${i}`, data: { n: i } });
  await pipe.settled();
}

async function list(hub: HubProcess): Promise<void> {
  const times: number[] = [];
  let after: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    const beganMs = performance.now();
    const query: string = after === null ? "" : `&after=${encodeURIComponent(after)}`;
    const response = await fetch(`${hub.url}/v1/topics?limit=${PAGE}${query}`);
    ({ next: after } = (await response.json()) as { next: string | null });
    times.push(performance.now() - beganMs);
    if (after === null) break;
  }
  note(`page of ${PAGE} names of the list`, median(times), "ms");
}

function diskOf(path: string): number {
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).blocks * 512, 0);
}

// ---- patterns --------------------------------------------------------------------------------------------------------

/** Two hubs in this process, one with few patterns and one with many, in turns. */
async function measurePatterns(data: string): Promise<void> {
  const few = await hubWithPatterns(join(data, "few"), FEW_PATTERNS);
  const many = await hubWithPatterns(join(data, "many"), PATTERNS);
  const times = {
    few: { publish: [] as number[], create: [] as number[] },
    many: { publish: [] as number[], create: [] as number[] },
  };
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, hub] of [
      ["few", few],
      ["many", many],
    ] as const) {
      const publishNs = await timeOf(PUBLISHES_PER_ROUND, () => publish(hub, "news.sport"));
      const createNs = await timeOf(CREATIONS_PER_ROUND, (i) => publish(hub, `made.${round + 1}.${i}`));
      if (round < 0) continue;
      times[name].publish.push(publishNs / 1_000);
      times[name].create.push(createNs / 1_000);
    }
  }
  note(`publish beside ${FEW_PATTERNS} patterns that don't match`, median(times.few.publish), "µs");
  note(`publish beside ${PATTERNS} patterns that don't match`, median(times.many.publish), "µs");
  note(`make a topic with a record beside ${FEW_PATTERNS} patterns`, median(times.few.create), "µs");
  note(`make a topic with a record beside ${PATTERNS} patterns`, median(times.many.create), "µs");
}

async function hubWithPatterns(path: string, count: number): Promise<Hub> {
  const runtime = createNodeRuntime();
  const store = await openLogStore({ directory: path, runtime, onEvent: () => undefined });
  const limits = { ...DEFAULT_LIMITS, maxSubscriptions: count } as unknown as HubOptions["limits"];
  const hub = createHub({
    store,
    sequencer: new LocalSequencer(),
    runtime,
    limits: {
      ...limits,
      maxTopics: (ROUNDS + 1) * CREATIONS_PER_ROUND + 1,
      maxInflight: 1_000,
      maxInflightBytes: 2 ** 24,
      maxTotalInflight: 1_000,
      maxTotalInflightBytes: 2 ** 24,
    },
    defaultConfig: { ...DEFAULT_TOPIC_CONFIG, capacityBytes: 1_048_576 },
    rules: [],
    autoCreateTopics: true,
    report: () => undefined,
  });
  const reader = hub.openReader(outlet, "json");
  for (let i = 0; i < count; i++) {
    const pattern = i % 2 === 0 ? `room.${i}.*` : `made.*.${i}.>`;
    reader.subscribe({
      topic: undefined,
      pattern,
      from: "latest",
      until: undefined,
      filter: undefined,
      verify: false,
      window: 0,
    });
  }
  return hub;
}

function publish(hub: Hub, topic: string): void {
  void hub
    .openPublisher()
    .publish(
      { topic, messages: [MESSAGE], partition: undefined, producer: undefined, durability: undefined },
      undefined,
    );
}

async function timeOf(count: number, run: (i: number) => void): Promise<number> {
  const began = process.hrtime.bigint();
  for (let i = 0; i < count; i++) run(i);
  const tookNs = Number(process.hrtime.bigint() - began) / count;
  await new Promise((resolve) => setImmediate(resolve));
  return tookNs;
}

// ---- figures ---------------------------------------------------------------------------------------------------------

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[figures.length >> 1] ?? 0;
}

function note(what: string, figure: number, unit: string): void {
  rows.push({ what, figure: figure < 100 ? Math.round(figure * 100) / 100 : Math.round(figure), unit });
  if (!values.json) console.error(`${what}: ${rows.at(-1)?.figure} ${unit}`);
}
