/**
 * Do five kinds of readers get the same? One publisher; the binary SDK in Node and in Chromium, JSON over `ws`, Server-Sent Events through curl,
 * and examples/python read the same records live: number, positions and a digest of everything must be the publisher's. Then the hub, started again under a
 * profiler, replays all of it, once to binary readers and once to JSON readers: the profiles show what it decodes, which for binary ones must be nothing.
 *
 *   npm run build && node --import tsx bench/five-readers.ts [--records 1000000] [--json]
 *
 * Readers that need a program that isn't there (Chromium, curl, python3 with msgpack) are left out, which is said. Exits with 1 where readers disagree.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect as connectBinary } from "@ringcast/client";
import { connect as connectJson } from "@ringcast/client/json";
import { serveReaderPage, startReaders } from "../test/support/readers.js";
import { BATCH_RECORDS, publishMessages } from "../test/support/readers/messages.js";
import type { ReaderReport } from "../test/support/readers/record-digest.js";
import { decodingFunctions, readProfile, type Profile } from "./support/cpu-profile.js";
import { HubProcess } from "./support/hub-process.js";

const { values } = parseArgs({
  options: { records: { type: "string", default: "1000000" }, json: { type: "boolean", default: false } },
});
const RECORDS = Number(values.records);
const TOPIC = "bench.five-readers";
const CAPACITY_BYTES = Math.max(65_536, RECORDS * 512);
const PROFILED_READERS = 3;
const SHOWN_FUNCTIONS = 6;
const PATIENT = ["--idle-timeout-ms", "600000"];

type TimedReport = ReaderReport & { readonly seconds: number };

const folder = mkdtempSync(join(tmpdir(), "ringcast-five-readers-"));
const data = join(folder, "data");
try {
  const reports = await readLive();
  const binary = await profileReplay("binary");
  const json = await profileReplay("json");
  report(reports, binary, json);
  const digests = new Set([...reports.values()].map(({ records, next, digest }) => `${records} ${next} ${digest}`));
  const isSame = digests.size === 1 && [...reports.values()].every(({ records }) => records === RECORDS);
  // A list of names that catches nothing of JSON readers would prove nothing of binary ones.
  const isProven = decodingFunctions(binary).length === 0 && decodingFunctions(json).length > 0;
  if (!isSame || !isProven) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @returns the publisher's report and the readers', by name */
async function readLive(): Promise<Map<string, TimedReport>> {
  await using page = await serveReaderPage();
  const hub = await HubProcess.start([...PATIENT, "--allowed-origins", page.origin], { data });
  try {
    await createTopic(hub);
    await using readers = await startReaders({ url: hub.url, topic: TOPIC, records: RECORDS, page });
    for (const each of readers.leftOut) console.error(`left out: ${each}`);
    const began = performance.now();
    const timed = async (name: string, coming: Promise<ReaderReport>): Promise<[string, TimedReport]> => {
      const result = await coming;
      return [name, { ...result, seconds: (performance.now() - began) / 1000 }];
    };
    const reports = [
      timed("publisher", publish(hub)),
      ...readers.running.map(({ name, report }) => timed(name, report)),
    ];
    return new Map(await Promise.all(reports));
  } finally {
    await hub.stop();
  }
}

async function createTopic(hub: HubProcess): Promise<void> {
  const response = await fetch(`${hub.url}/v1/topics/${TOPIC}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ capacityBytes: CAPACITY_BYTES }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

function publish(hub: HubProcess): Promise<ReaderReport> {
  return publishMessages({
    url: `ws://127.0.0.1:${hub.port}`,
    topic: TOPIC,
    records: RECORDS,
    onProgress: (sent) => progress(`published ${sent} of ${RECORDS}`),
  });
}

/** Replays everything to a few readers from a hub of its own, which does nothing else and is profiled. */
async function profileReplay(dialect: "binary" | "json"): Promise<Profile> {
  progress(`replaying to ${dialect} readers`);
  const profiles = join(folder, dialect);
  mkdirSync(profiles);
  const hub = await HubProcess.start(PATIENT, { data, nodeArgs: ["--cpu-prof", "--cpu-prof-dir", profiles] });
  const connect = dialect === "binary" ? connectBinary : connectJson;
  try {
    const replays = Array.from({ length: PROFILED_READERS }, async () => {
      await using reader = connect(`ws://127.0.0.1:${hub.port}`);
      for await (const { offset } of reader.subscribe(TOPIC, { from: "earliest" })) if (offset + 1 === RECORDS) break;
    });
    await Promise.all(replays);
  } finally {
    // Node writes the profile when the process ends by itself, which SIGTERM has the hub do.
    await hub.stop();
  }
  const [name = ""] = readdirSync(profiles);
  return readProfile(readFileSync(join(profiles, name), "utf8"));
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function report(reports: ReadonlyMap<string, TimedReport>, binary: Profile, json: Profile): void {
  progress("");
  if (values.json) {
    const replays = Object.entries({ binary, json }).map(([dialect, profile]) => {
      return [dialect, { decoding: decodingFunctions(profile), busiest: profile.busiest }] as const;
    });
    const result = { records: RECORDS, reports: Object.fromEntries(reports), replays: Object.fromEntries(replays) };
    console.log(JSON.stringify(result));
    return;
  }
  console.log(`${RECORDS} records, published by the binary SDK in batches of ${BATCH_RECORDS}`);
  for (const [name, { records, next, digest, seconds }] of reports) {
    const figures = `${records} records, next ${next}, digest ${digest.slice(0, 16)}…, ${seconds.toFixed(1)} s`;
    console.log(`  ${name.padEnd(24)} ${figures}`);
  }
  reportProfile("binary", binary);
  reportProfile("JSON", json);
}

function reportProfile(dialect: string, profile: Profile): void {
  const decoding = decodingFunctions(profile);
  const total = decoding.reduce((sum, { share }) => sum + share, 0);
  const names = decoding.slice(0, SHOWN_FUNCTIONS).map(({ name }) => name);
  const summary = decoding.length === 0 ? "none" : `${decoding.length}, ${percent(total)}: ${names.join(", ")}, …`;
  console.log(`\nReplay of all of it to ${PROFILED_READERS} ${dialect} readers: where the hub spent its time`);
  for (const { name, share } of profile.busiest) console.log(`  ${percent(share).padStart(7)}  ${name}`);
  console.log(`  functions that decode, translate or verify messages: ${summary}`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
