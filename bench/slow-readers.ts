/**
 * Do stalled readers harm the others? N subscribers on one topic, some of which stop reading; time of the healthy ones with and without the
 * stalled ones, growth of the hub's private memory, and whether the stalled ones go on when they read again.
 *
 *   node --import tsx bench/slow-readers.ts [--subscribers 1000] [--stalled 10] [--records 12000] [--bytes 1024] [--rounds 3] [--transport auto|uws|ws] [--launcher server/bin/ringcast.js] [--json]
 */
import { parseArgs } from "node:util";
import { RawSubscriber } from "../test/support/raw-subscriber.js";
import { HubProcess } from "./support/hub-process.js";

const { values } = parseArgs({
  options: {
    subscribers: { type: "string", default: "1000" },
    stalled: { type: "string", default: "10" },
    records: { type: "string", default: "12000" },
    bytes: { type: "string", default: "1024" },
    rounds: { type: "string", default: "3" },
    transport: { type: "string", default: "auto" },
    launcher: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const SUBSCRIBERS = Number(values.subscribers);
const STALLED = Number(values.stalled);
const RECORDS = Number(values.records);
const BATCH = 100;
const TOPIC = "bench.slow";

interface Round {
  readonly ms: number;
  readonly cpuMs: number;
  readonly growthBytes: number;
}

const hub = await HubProcess.start(["--transport", values.transport], { launcher: values.launcher });
try {
  await createTopic();
  await publish(BATCH);
  const subscribers = await subscribeAll();
  const healthy = subscribers.slice(STALLED);
  const stalled = subscribers.slice(0, STALLED);
  const without: Round[] = [];
  const withStalled: Round[] = [];
  // Warms the code up, and both kinds of round then alternate, so that drifts of the machine meet both.
  await round(subscribers, healthy);
  for (let n = 0; n < Number(values.rounds); n++) {
    without.push(await round(subscribers, healthy));
    for (const reader of stalled) reader.stall();
    withStalled.push(await round(healthy, healthy));
    const head = await headOf();
    for (const reader of stalled) reader.resume();
    await Promise.all(stalled.map((reader) => reached(reader, head)));
  }
  report(
    without,
    withStalled,
    stalled.reduce((sum, reader) => sum + reader.gaps, 0),
  );
  for (const reader of subscribers) reader.close();
} finally {
  await hub.stop();
}

/** Publishes everything and waits until `waited` have it. The time is that of the `timed` ones. */
async function round(waited: readonly RawSubscriber[], timed: readonly RawSubscriber[]): Promise<Round> {
  const target = (await headOf()) + RECORDS;
  const memory = hub.rssAnonBytes();
  const cpu = hub.cpuMs();
  const began = performance.now();
  const arrival = Promise.all(timed.map((reader) => reached(reader, target)));
  await publish(RECORDS);
  await arrival;
  const ms = performance.now() - began;
  const result = { ms, cpuMs: hub.cpuMs() - cpu, growthBytes: hub.rssAnonBytes() - memory };
  await Promise.all(waited.map((reader) => reached(reader, target)));
  return result;
}

function reached(reader: RawSubscriber, offset: number): Promise<void> {
  if (reader.next >= offset) return Promise.resolve();
  return new Promise((resolve) => {
    reader.onDelivery = () => {
      if (reader.next < offset) return;
      reader.onDelivery = undefined;
      resolve();
    };
  });
}

async function subscribeAll(): Promise<RawSubscriber[]> {
  const all: RawSubscriber[] = [];
  while (all.length < SUBSCRIBERS) {
    const dials = Array.from({ length: Math.min(100, SUBSCRIBERS - all.length) }, () =>
      RawSubscriber.subscribe(hub.port, TOPIC),
    );
    all.push(...(await Promise.all(dials)));
    progress(`connected ${all.length} of ${SUBSCRIBERS}`);
  }
  return all;
}

async function createTopic(): Promise<void> {
  const response = await fetch(`${hub.url}/v1/topics/${TOPIC}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ capacityBytes: 64 * 1024 * 1024 }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

async function publish(records: number): Promise<void> {
  const data = "x".repeat(Number(values.bytes));
  const body = JSON.stringify({ messages: Array.from({ length: BATCH }, () => ({ data })) });
  for (let sent = 0; sent < records; sent += BATCH) {
    const response = await fetch(`${hub.url}/v1/topics/${TOPIC}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    await response.arrayBuffer();
    progress(`published ${sent + BATCH} of ${records}`);
  }
}

async function headOf(): Promise<number> {
  const topic = (await (await fetch(`${hub.url}/v1/topics/${TOPIC}`)).json()) as { partitions: { head: number }[] };
  return topic.partitions[0]?.head ?? 0;
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function report(without: readonly Round[], withStalled: readonly Round[], gaps: number): void {
  progress("");
  const ratio = median(withStalled.map((each) => each.ms)) / median(without.map((each) => each.ms));
  const growthMiB = Math.max(...withStalled.map((each) => each.growthBytes)) / 1024 ** 2;
  const result = {
    subscribers: SUBSCRIBERS,
    stalled: STALLED,
    records: RECORDS,
    bytes: Number(values.bytes),
    transport: values.transport,
    withoutMs: without.map((each) => Math.round(each.ms)),
    withStalledMs: withStalled.map((each) => Math.round(each.ms)),
    ratio: Number(ratio.toFixed(3)),
    growthMiB: Number(growthMiB.toFixed(1)),
    cpuMicrosecondsPerDelivery: Number(
      ((median(without.map((each) => each.cpuMs)) * 1000) / (RECORDS * SUBSCRIBERS)).toFixed(3),
    ),
    gapsOfStalled: gaps,
  };
  if (values.json) {
    console.log(JSON.stringify(result));
    return;
  }
  console.log(`${SUBSCRIBERS} subscribers, ${RECORDS} records of ${values.bytes} B, transport ${values.transport}`);
  console.log(`  without stalled readers   ${result.withoutMs.join(", ")} ms`);
  console.log(`  ${STALLED} of them stalled      ${result.withStalledMs.join(", ")} ms`);
  console.log(`  ratio of medians          ${result.ratio} (at most 1.5)`);
  console.log(`  memory growth, largest    ${result.growthMiB} MiB of RssAnon (at most 16)`);
  console.log(`  hub CPU per delivery      ${result.cpuMicrosecondsPerDelivery} µs`);
  console.log(`  all stalled readers went on; gaps told to them: ${gaps}`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
