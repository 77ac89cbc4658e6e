/**
 * Do replays hold live readers up? One reader at the head of a topic, alone and beside a hundred that replay the topic's million records: time from
 * publish to receive. Rounds of all kinds alternate in one run, so that drifts of the machine meet all.
 *
 *   node --import tsx bench/replays.ts [--replays 100] [--records 1000000] [--bytes 128] [--rounds 3] [--seconds 4] [--rate 100]
 *     [--transport auto|uws|ws] [--launcher server/bin/ringcast.js] [--json]
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { HubProcess } from "./support/hub-process.js";
import { LiveReader } from "./support/live-reader.js";

const { values } = parseArgs({
  options: {
    replays: { type: "string", default: "100" },
    records: { type: "string", default: "1000000" },
    bytes: { type: "string", default: "128" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    rate: { type: "string", default: "100" },
    transport: { type: "string", default: "auto" },
    launcher: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const RECORDS = Number(values.records);
const TOPIC = "bench.replays";
const BATCH = 1_000;
const REPLAYING = join(dirname(fileURLToPath(import.meta.url)), "readers/replaying.ts");
const LOW_PRIORITY = 15;
/** Only root may ask for it; without, the live reader waits for a processor that the replaying clients have. */
const HIGH_PRIORITY = -10;
/** Rounds begin to be measured when replays are under way. */
const WARM_UP_MS = 1_000;

const KINDS = ["alone", "msgpack", "json"] as const;
type Kind = (typeof KINDS)[number];

/** What the rounds of a kind came to. */
interface Tally {
  readonly latenciesMs: number[];
  records: number;
  bytes: number;
  seconds: number;
  cpuMs: number;
}

const hub = await HubProcess.start(["--transport", values.transport], { launcher: values.launcher });
try {
  const isPreferred = prefer(process.pid) && prefer(hub.child.pid ?? 0);
  await createTopic();
  await fill();
  const live = await LiveReader.connect(hub.port, TOPIC);
  const tallies = Object.fromEntries(KINDS.map((kind) => [kind, newTally()])) as Record<Kind, Tally>;
  for (let n = 0; n < Number(values.rounds); n++) for (const kind of KINDS) await round(live, kind, tallies[kind]);
  live.close();
  report(tallies, isPreferred);
} finally {
  await hub.stop();
}

/** The question is what the hub does, not who gets the processor: hub and live reader come before those who replay. */
function prefer(pid: number): boolean {
  try {
    setPriority(pid, HIGH_PRIORITY);
    return true;
  } catch {
    return false;
  }
}

async function round(live: LiveReader, kind: Kind, tally: Tally): Promise<void> {
  progress(`live reader ${kind === "alone" ? "alone" : `beside ${values.replays} replays, ${kind}`}`);
  const replays = kind === "alone" ? undefined : startReplays(kind);
  if (replays !== undefined) await pause(WARM_UP_MS);
  const cpu = hub.cpuMs();
  tally.latenciesMs.push(...(await live.measure(Number(values.seconds) * 1_000, 1_000 / Number(values.rate))));
  tally.cpuMs += hub.cpuMs() - cpu;
  if (replays === undefined) return;
  const { records, bytes, seconds } = await endReplays(replays);
  tally.records += records;
  tally.bytes += bytes;
  tally.seconds += seconds;
}

/** A process with replays, and what it says at its end: asked for at once, because they may be through before the round is. */
interface Replays {
  readonly child: ChildProcess;
  readonly output: Promise<string>;
}

function startReplays(dialect: Kind): Replays {
  const args = [String(hub.port), TOPIC, dialect, values.replays, values.records];
  const child = spawn(process.execPath, ["--import", "tsx", REPLAYING, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (child.pid !== undefined) setPriority(child.pid, LOW_PRIORITY);
  return { child, output: outputOf(child) };
}

async function outputOf(child: ChildProcess): Promise<string> {
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
  await once(child, "close");
  return output;
}

async function endReplays({ child, output }: Replays): Promise<{ records: number; bytes: number; seconds: number }> {
  child.stdin?.on("error", () => undefined).end();
  return JSON.parse(await output) as { records: number; bytes: number; seconds: number };
}

async function createTopic(): Promise<void> {
  const response = await fetch(`${hub.url}/v1/topics/${TOPIC}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ capacityBytes: 2 * RECORDS * (Number(values.bytes) + 64) }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

async function fill(): Promise<void> {
  const data = "x".repeat(Number(values.bytes) - 2);
  const body = JSON.stringify({ messages: Array.from({ length: BATCH }, () => ({ data })) });
  for (let sent = 0; sent < RECORDS; sent += BATCH) {
    const response = await fetch(`${hub.url}/v1/topics/${TOPIC}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    await response.arrayBuffer();
    if (sent % 100_000 === 0) progress(`published ${sent} of ${RECORDS}`);
  }
}

function report(tallies: Readonly<Record<Kind, Tally>>, isPreferred: boolean): void {
  progress("");
  const alone = percentile(tallies.alone.latenciesMs, 0.99);
  const rows = KINDS.map((kind) => {
    const { latenciesMs, records, bytes, seconds } = tallies[kind];
    const p99Ms = percentile(latenciesMs, 0.99);
    return {
      kind,
      samples: latenciesMs.length,
      p50Ms: round3(percentile(latenciesMs, 0.5)),
      p99Ms: round3(p99Ms),
      ratio: round3(p99Ms / alone),
      recordsPerSecond: seconds === 0 ? 0 : Math.round(records / seconds),
      mebibytesPerSecond: seconds === 0 ? 0 : Math.round(bytes / seconds / 1024 ** 2),
    };
  });
  if (values.json) {
    console.log(
      JSON.stringify({
        replays: Number(values.replays),
        records: RECORDS,
        transport: values.transport,
        isPreferred,
        rows,
      }),
    );
    return;
  }
  console.log(`${values.replays} replays of ${RECORDS} records of ${values.bytes} B beside one live reader`);
  if (!isPreferred) console.log("  (without root, hub and live reader can't be put before the replaying clients)");
  for (const { kind, p50Ms, p99Ms, ratio, recordsPerSecond, mebibytesPerSecond } of rows) {
    const name = kind === "alone" ? "live reader alone" : `beside ${kind} replays`;
    const speed = kind === "alone" ? "" : `, replays ${recordsPerSecond} records/s, ${mebibytesPerSecond} MiB/s`;
    console.log(`  ${name.padEnd(24)} p50 ${p50Ms} ms, p99 ${p99Ms} ms, ratio ${ratio} (at most 2)${speed}`);
  }
}

function newTally(): Tally {
  return { latenciesMs: [], records: 0, bytes: 0, seconds: 0, cpuMs: 0 };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function round3(value: number): number {
  return Number(value.toFixed(3));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
