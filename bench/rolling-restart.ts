/**
 * What do users of the SDK notice of a restart? Subscribers and a publisher with connections of their own; the hub is stopped in good order and started again
 * on the same port. Time from publish to receive before it, and in each half second after the hub serves again; everybody gets everything once.
 *
 *   node --import tsx bench/rolling-restart.ts [--subscribers 50] [--rate 200] [--rounds 3] [--drain-timeout-ms 2000] [--transport auto|uws|ws]
 *     [--launcher server/bin/ringcast.js] [--json]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect, type AnyTopics, type Hub } from "@ringcast/client";
import { HubProcess } from "./support/hub-process.js";

const { values } = parseArgs({
  options: {
    subscribers: { type: "string", default: "50" },
    rate: { type: "string", default: "200" },
    rounds: { type: "string", default: "3" },
    "drain-timeout-ms": { type: "string", default: "2000" },
    transport: { type: "string", default: "auto" },
    launcher: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const TOPIC = "bench.restart";
const BEFORE_MS = 3_000;
const SLICE_MS = 500;
const SLICES = 6;

interface Sample {
  readonly sentAt: number;
  readonly tookMs: number;
}

interface Round {
  readonly beforeP95Ms: number;
  /** From the signal until the hub served again. */
  readonly awayMs: number;
  /** Of what was published in each half second from then on; undefined where nothing was. */
  readonly p95Ms: readonly (number | undefined)[];
}

const data = mkdtempSync(join(tmpdir(), "ringcast-bench-"));
let hub = await startHub(0);
const { port } = hub;
const samples: Sample[] = [];
const received: number[] = [];
const users: Hub<AnyTopics>[] = [];
let published = 0;
let mayPublish = true;
try {
  for (let n = 0; n < Number(values.subscribers); n++) users.push(subscribe(n));
  const publishing = publish();
  const rounds: Round[] = [];
  for (let n = 0; n < Number(values.rounds); n++) rounds.push(await restart(n + 1));
  mayPublish = false;
  await publishing;
  while (received.some((count) => count < published)) await pause(10);
  report(rounds);
} finally {
  await Promise.all(users.map((user) => user.close()));
  await hub.stop();
  rmSync(data, { recursive: true, force: true });
}

function startHub(on: number): Promise<HubProcess> {
  const args = ["--transport", values.transport, "--drain-timeout-ms", values["drain-timeout-ms"]];
  return HubProcess.start(args, { launcher: values.launcher, data, port: on });
}

function subscribe(number: number): Hub<AnyTopics> {
  const user = connect(`ws://127.0.0.1:${port}`);
  received[number] = 0;
  const read = async (): Promise<void> => {
    for await (const message of user.subscribe(TOPIC, { from: "earliest" })) {
      const { n, sentAt } = message.data as { n: number; sentAt: number };
      if (n !== received[number]) throw new Error(`Got ${n} where ${received[number]} was next`);
      received[number]++;
      samples.push({ sentAt, tookMs: performance.now() - sentAt });
    }
  };
  void read();
  return user;
}

/** At its pace, whether the hub is there or not: the SDK keeps what it can't send yet. */
async function publish(): Promise<void> {
  const user = connect(`ws://127.0.0.1:${port}`);
  const stored: Promise<unknown>[] = [];
  const began = performance.now();
  while (mayPublish) {
    const dueMs = began + (published * 1_000) / Number(values.rate);
    await pause(Math.max(0, dueMs - performance.now()));
    stored.push(user.publish(TOPIC, { n: published++, sentAt: performance.now() }));
  }
  await Promise.all(stored);
  await user.close();
}

async function restart(number: number): Promise<Round> {
  progress(`restart ${number} of ${values.rounds}`);
  await pause(BEFORE_MS);
  const began = performance.now();
  await hub.stop();
  hub = await startHub(port);
  const ready = performance.now();
  await pause(SLICES * SLICE_MS + BEFORE_MS / 2);
  const slice = (from: number, to: number): number | undefined => {
    const took = samples.filter(({ sentAt }) => sentAt >= from && sentAt < to).map(({ tookMs }) => tookMs);
    return took.length === 0 ? undefined : p95(took);
  };
  return {
    beforeP95Ms: slice(began - BEFORE_MS + SLICE_MS, began) ?? Number.NaN,
    awayMs: Math.round(ready - began),
    p95Ms: Array.from({ length: SLICES }, (_, n) => slice(ready + n * SLICE_MS, ready + (n + 1) * SLICE_MS)),
  };
}

function report(rounds: readonly Round[]): void {
  progress("");
  const { subscribers, transport, rate } = values;
  if (values.json) {
    console.log(JSON.stringify({ subscribers: Number(subscribers), rate: Number(rate), transport, rounds }));
    return;
  }
  console.log(
    `${subscribers} users of the SDK, ${rate} records a second, transport ${transport}; each got all ${published} once`,
  );
  for (const { beforeP95Ms, awayMs, p95Ms } of rounds) {
    const slices = p95Ms.map((ms) => (ms === undefined ? "–" : `${ms}`)).join(", ");
    console.log(
      `  p95 before ${beforeP95Ms} ms; away ${awayMs} ms; p95 in half seconds after it served again: ${slices} ms`,
    );
  }
}

function p95(numbers: readonly number[]): number {
  const ascending = numbers.toSorted((a, b) => a - b);
  return Number((ascending[Math.floor(ascending.length * 0.95)] ?? Number.NaN).toFixed(1));
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
