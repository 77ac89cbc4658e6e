/**
 * How fast are thousands of subscribers back when all of them lose their connection at once, and what does it cost the hub? Time until the last one has what
 * it missed, and the hub's private memory at its peak: when the network resets all of them, when the hub is killed and started again, and when it is stopped
 * in good order. Then one alone, many times. Records go on all the while; each reader checks that it goes on exactly where it stood.
 *
 *   node --import tsx bench/reconnect-storm.ts [--subscribers 5000] [--processes 4] [--rounds 3] [--rate 100] [--single 200]
 *     [--transport auto|uws|ws] [--launcher server/bin/ringcast.js] [--json]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ReconnectingReaders } from "../test/support/reconnecting-readers.js";
import { HubProcess } from "./support/hub-process.js";

const { values } = parseArgs({
  options: {
    subscribers: { type: "string", default: "5000" },
    processes: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    rate: { type: "string", default: "100" },
    single: { type: "string", default: "200" },
    transport: { type: "string", default: "auto" },
    launcher: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const TOPIC = "bench.storm";
const LOOK_AT_MEMORY_MS = 10;
const SETTLE_MS = 500;
const DRAIN_TIMEOUT_MS = "2000";

const KINDS = ["network", "killed", "stopped"] as const;
type Kind = (typeof KINDS)[number];

interface Storm {
  readonly kind: Kind;
  /** From the first lost connection to the last reader that has what it missed. */
  readonly lastMs: number;
  /** The same from the moment at which the hub served again; that is what it can be held to. */
  readonly sinceReadyMs: number;
  /** Processor time of the hub, its start included where there was one. */
  readonly cpuMs: number;
  readonly beforeMiB: number;
  readonly peakMiB: number;
}

const data = mkdtempSync(join(tmpdir(), "ringcast-bench-"));
let hub = await startHub(0);
const port = hub.port;
const publishing = new AbortController();
try {
  await publish();
  const published = keepPublishing();
  const subscribers = Number(values.subscribers);
  const readers = await ReconnectingReaders.start({
    port,
    topic: TOPIC,
    subscribers,
    processes: Number(values.processes),
  });
  const storms: Storm[] = [];
  for (let n = 0; n < Number(values.rounds); n++) for (const kind of KINDS) storms.push(await storm(readers, kind));
  const flaws = await readers.reach(await headOf());
  await readers[Symbol.asyncDispose]();
  const singleMs = await resumeAlone();
  publishing.abort();
  await published;
  report(storms, flaws, singleMs);
} finally {
  publishing.abort();
  await hub.stop();
  rmSync(data, { recursive: true, force: true });
}

function startHub(on: number): Promise<HubProcess> {
  const args = ["--transport", values.transport, "--drain-timeout-ms", DRAIN_TIMEOUT_MS];
  return HubProcess.start(args, { launcher: values.launcher, data, port: on });
}

async function storm(readers: ReconnectingReaders, kind: Kind): Promise<Storm> {
  progress(`${values.subscribers} subscribers: ${kind}`);
  await pause(SETTLE_MS);
  const before = hub.rssAnonBytes();
  const cpu = kind === "network" ? hub.cpuMs() : 0;
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, hub.rssAnonBytes())), LOOK_AT_MEMORY_MS);
  const resumed = readers.resumed();
  const began = performance.now();
  if (kind === "network") readers.cut();
  else {
    await (kind === "killed" ? hub.kill() : hub.stop());
    hub = await startHub(port);
  }
  const ready = performance.now();
  const { lastMs } = await resumed;
  const cpuMs = hub.cpuMs() - cpu;
  const [sinceBeganMs, sinceReadyMs] = [performance.now() - began, performance.now() - ready];
  await pause(SETTLE_MS);
  clearInterval(timer);
  return {
    kind,
    lastMs: Math.round(kind === "network" ? lastMs : sinceBeganMs),
    sinceReadyMs: Math.round(sinceReadyMs),
    cpuMs,
    beforeMiB: mib(before),
    peakMiB: mib(peak),
  };
}

/** One reader that loses its connection again and again. */
async function resumeAlone(): Promise<number[]> {
  progress("one alone");
  await using reader = await ReconnectingReaders.start({ port, topic: TOPIC, subscribers: 1, processes: 1 });
  const took: number[] = [];
  for (let n = 0; n < Number(values.single); n++) {
    const resumed = reader.resumed();
    reader.cut();
    took.push((await resumed).lastMs);
  }
  return took.toSorted((a, b) => a - b);
}

async function keepPublishing(): Promise<void> {
  while (!publishing.signal.aborted) {
    // While there is no hub, nothing is published.
    await publish().catch(() => undefined);
    await pause(1_000 / Number(values.rate));
  }
}

async function publish(): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/topics/${TOPIC}/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ data: { at: Date.now(), text: "x".repeat(100) } }),
  });
  if (!response.ok) throw new Error(await response.text());
  await response.arrayBuffer();
}

async function headOf(): Promise<number> {
  const topic = (await (await fetch(`${hub.url}/v1/topics/${TOPIC}`)).json()) as { partitions: { head: number }[] };
  return topic.partitions[0]?.head ?? 0;
}

function report(storms: readonly Storm[], flaws: { gaps: number; breaks: number }, singleMs: readonly number[]): void {
  progress("");
  const rows = KINDS.map((kind) => {
    const mine = storms.filter((each) => each.kind === kind);
    const column = (of: (storm: Storm) => number): number[] => mine.map(of);
    return {
      kind,
      lastMs: column((each) => each.lastMs),
      sinceReadyMs: column((each) => each.sinceReadyMs),
      cpuMs: column((each) => each.cpuMs),
      beforeMiB: column((each) => each.beforeMiB),
      peakMiB: column((each) => each.peakMiB),
    };
  });
  const single = { p50Ms: percentile(singleMs, 0.5), p99Ms: percentile(singleMs, 0.99) };
  const { subscribers, transport } = values;
  if (values.json) {
    console.log(JSON.stringify({ subscribers: Number(subscribers), transport, ...flaws, rows, single }));
    return;
  }
  console.log(`${subscribers} subscribers lose their connection at once, transport ${transport}`);
  const names = { network: "network resets all", killed: "hub killed, started", stopped: "hub stopped, started" };
  for (const { kind, lastMs, sinceReadyMs, cpuMs, beforeMiB, peakMiB } of rows) {
    const since = kind === "network" ? "" : ` (${sinceReadyMs.join(", ")} since the hub served again)`;
    console.log(
      `  ${names[kind].padEnd(22)} last one back after ${lastMs.join(", ")} ms${since}; the hub's processor time ${cpuMs.join(", ")} ms`,
    );
    console.log(
      `  ${"".padEnd(22)} private memory before ${beforeMiB.join(", ")} MiB, at its peak ${peakMiB.join(", ")} MiB`,
    );
  }
  console.log(`  resumed elsewhere than they stood: ${flaws.breaks}, gaps: ${flaws.gaps} (both 0)`);
  console.log(`  one alone, ${singleMs.length} times     p50 ${single.p50Ms} ms, p99 ${single.p99Ms} ms (at most 250)`);
}

function percentile(ascending: readonly number[], share: number): number {
  const value = ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN;
  return Number(value.toFixed(1));
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
