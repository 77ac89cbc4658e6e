/**
 * What does the ring log cost? Appends (singly and in batches of 100), reads and replay, each beside `memcpy` plus checksum of the same bytes in the same
 * run, and the time to open a large log after its process was killed.
 *
 *   npx tsx --conditions source bench/log.ts [--rounds 9] [--open-mib 1024] [--directory /tmp] [--json]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CONTENT_TYPE, crc32, DEFAULT_TOPIC_CONFIG, lengthOf, type NewMessage } from "@ringcast/protocol";
import { emptyResult, type LogStore, openLogStore, type RingLog } from "../server/src/log/index.js";
import { createNodeRuntime } from "../server/src/runtime/index.js";
import { LocalSequencer } from "../server/src/sequencer/index.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    "open-mib": { type: "string", default: "1024" },
    directory: { type: "string", default: tmpdir() },
    json: { type: "boolean", default: false },
    /** Internal: fill the log in this directory and die. */
    fill: { type: "string" },
  },
});
const ROUNDS = Number(values.rounds);
const OPEN_BYTES = Number(values["open-mib"]) * 2 ** 20;
const BATCH = 100;
const ROUND_BYTES = 16 * 2 ** 20;
const RING_BYTES = 64 * 2 ** 20;
const runtime = createNodeRuntime();
const sequencer = new LocalSequencer();

interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}
interface Row {
  readonly what: string;
  readonly bytes: number;
  /** Nanoseconds a record; of an open, milliseconds. */
  readonly cost: Figure;
  /** The same bytes by memcpy and checksum alone, nanoseconds a record. */
  readonly baseline?: Figure;
}

if (values.fill === undefined) await measure();
else await fillAndDie(values.fill);

async function measure(): Promise<void> {
  const directory = mkdtempSync(join(values.directory, "ringcast-bench-"));
  const rows: Row[] = [];
  try {
    const store = await openStore(directory);
    for (const bytes of [64, 128, 256, 4_096]) rows.push(...(await measureSize(store, bytes)));
    await store.close();
    rows.push(await measureOpen(join(directory, "large")));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  report(rows);
}

async function measureSize(store: LogStore, bytes: number): Promise<Row[]> {
  progress(`${bytes} B`);
  const config = { ...DEFAULT_TOPIC_CONFIG, capacityBytes: RING_BYTES };
  const log = store.createTopic(`bench.${bytes}`, config).partitions[0] as RingLog;
  const count = Math.ceil(ROUND_BYTES / bytes / BATCH) * BATCH;
  const batch = Array.from({ length: BATCH }, (_, i) => message(bytes, i));
  const copy = memcpy(batch);
  const runs = {
    single: () => appendAll(log, batch, count, 1),
    batch: () => appendAll(log, batch, count, BATCH),
    copy: () => copy(count),
    walk: () => readAll(log, "records"),
    replay: () => readAll(log, "blocks"),
  };
  const times: Record<keyof typeof runs, number[]> = { single: [], batch: [], copy: [], walk: [], replay: [] };
  // The first rounds fill the ring and warm the code up; then all kinds alternate, so that drifts of the machine meet each. Nothing is awaited, so
  // that no sync in the background makes pages clean: the first write to a clean page is a page fault, which is not the append's own cost.
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(runs) as [keyof typeof runs, () => number][]) {
      const began = process.hrtime.bigint();
      const records = run();
      const cost = Number(process.hrtime.bigint() - began) / records;
      if (round >= 0) times[name].push(cost);
    }
  }
  const baseline = figure(times.copy);
  const far: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const began = process.hrtime.bigint();
    const records = await replayFarBehind(store, log);
    if (round >= 0) far.push(Number(process.hrtime.bigint() - began) / records);
  }
  return [
    { what: "append singly", bytes, cost: figure(times.single), baseline },
    { what: `append in batches of ${BATCH}`, bytes, cost: figure(times.batch), baseline },
    { what: "read each record", bytes, cost: figure(times.walk), baseline },
    { what: "replay in blocks of 64 KiB", bytes, cost: figure(times.replay), baseline },
    { what: "replay by reads off the loop", bytes, cost: figure(far), baseline },
  ];
}

function appendAll(log: RingLog, batch: readonly NewMessage[], count: number, at: number): number {
  const messages = batch.slice(0, at);
  for (let done = 0; done < count; done += at) log.append(messages, sequencer.assign(log, 1_000));
  return count;
}

/** Copies and sums up what an append stores of a message, over a ring of its own. */
function memcpy(batch: readonly NewMessage[]): (count: number) => number {
  const ring = new Uint8Array(RING_BYTES);
  const view = new DataView(ring.buffer);
  const bytes = batch[0]?.data.length ?? 0;
  const records = batch.map((_, i) => new Uint8Array(48 + bytes).fill(i));
  let at = 0;
  return (count) => {
    for (let done = 0; done < count; done += BATCH) {
      for (const record of records) {
        if (at + record.length > ring.length) at = 0;
        ring.set(record, at);
        view.setUint32(at, crc32(view, at + 4, at + record.length), true);
        at += (record.length + 7) & ~7;
      }
    }
    return count;
  };
}

function readAll(log: RingLog, how: "records" | "blocks"): number {
  const cursor = { offset: log.tail, address: -1, mapped: true as const };
  const result = emptyResult();
  let records = 0;
  while (log.read(cursor, 65_536, Infinity, result) === "records") {
    records += result.nextOffset - result.firstOffset;
    if (how === "records") {
      for (let at = result.start; at < result.end; at += lengthOf(result.view, at)) {
        if (!log.isIntact(result, at)) throw new Error(`A record at or behind ${result.firstOffset} is damaged`);
      }
    }
    cursor.offset = result.nextOffset;
    cursor.address = result.nextAddress;
  }
  return records;
}

/** Replays what is far enough behind to be read off the loop. */
async function replayFarBehind(store: LogStore, log: RingLog): Promise<number> {
  const cursor = { offset: log.tail, address: -1 };
  const result = emptyResult();
  let records = 0;
  for (;;) {
    const readable = new Promise<void>((resolve) => (store.onReadable = () => resolve()));
    const status = log.read(cursor, 65_536, Infinity, result);
    if (status === "pending") await readable;
    if (status === "end") return records;
    if (status !== "records") continue;
    records += result.nextOffset - result.firstOffset;
    cursor.offset = result.nextOffset;
    cursor.address = result.nextAddress;
  }
}

async function measureOpen(directory: string): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    progress(`open ${values["open-mib"]} MiB after a kill, ${round + 1} of 3`);
    const args = [
      ...process.execArgv,
      process.argv[1] as string,
      "--fill",
      directory,
      "--open-mib",
      values["open-mib"],
    ];
    const child = spawnSync(process.execPath, args, { stdio: "inherit" });
    if (child.signal !== "SIGKILL") throw new Error("the filling process should have been killed");
    const began = process.hrtime.bigint();
    const store = await openStore(directory);
    times.push(Number(process.hrtime.bigint() - began) / 1e6);
    if ((store.topic("bench.open")?.partitions[0]?.head ?? 0) === 0) throw new Error("the log is empty");
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return { what: `open ${values["open-mib"]} MiB after a kill`, bytes: 128, cost: figure(times) };
}

async function fillAndDie(directory: string): Promise<void> {
  const store = await openStore(directory);
  const config = { ...DEFAULT_TOPIC_CONFIG, capacityBytes: OPEN_BYTES };
  const log = store.createTopic("bench.open", config).partitions[0] as RingLog;
  const batch = Array.from({ length: BATCH }, (_, i) => message(128, i));
  while (log.tail === 0) appendAll(log, batch, BATCH, BATCH);
  process.kill(process.pid, "SIGKILL");
}

function openStore(directory: string): Promise<LogStore> {
  return openLogStore({ directory, runtime, onEvent: () => undefined });
}

function message(bytes: number, fill: number): NewMessage {
  const data = new Uint8Array(bytes).fill(fill);
  return { contentType: CONTENT_TYPE.bytes, data, key: undefined, headers: new Uint8Array(0) };
}

function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.round(part * (sorted.length - 1))] as number;
  return { median: at(0.5), min: at(0), max: at(1) };
}

function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what} …`);
}

function report(rows: readonly Row[]): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (values.json) {
    console.log(JSON.stringify(rows));
    return;
  }
  console.log(
    "                               size     ns a record (min to max)     a second     MB/s   × memcpy + checksum",
  );
  for (const { what, bytes, cost, baseline } of rows) {
    if (baseline === undefined) {
      console.log(`${what.padEnd(38)} ${cost.median.toFixed(0)} ms (${cost.min.toFixed(0)} to ${cost.max.toFixed(0)})`);
      continue;
    }
    const range = `${cost.median.toFixed(0)} (${cost.min.toFixed(0)} to ${cost.max.toFixed(0)})`;
    const second = Math.round(1e9 / cost.median).toLocaleString("en");
    const megabytes = (((bytes + 48) * 1e3) / cost.median).toFixed(0);
    const ratio = `${(cost.median / baseline.median).toFixed(2)} of ${baseline.median.toFixed(0)} ns`;
    console.log(
      `${what.padEnd(28)} ${`${bytes} B`.padStart(8)} ${range.padStart(26)} ${second.padStart(14)} ${megabytes.padStart(8)}   ${ratio}`,
    );
  }
}
