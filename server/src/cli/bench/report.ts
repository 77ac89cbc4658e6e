/** What `ringcast bench` found, as lines of text for people and as JSON. */
import type { styleText } from "node:util";
import { countText } from "../progress.js";
import type { LoadResult, LoadTest } from "./load-test.js";
import type { Latencies, Measured } from "./plan.js";

type Style = Parameters<typeof styleText>[0];
type Colour = (style: Style, text: string) => string;

/** From here on the generator may be what limits. */
const BUSY = 0.9;
/** Whoever was busy all the time and used less of a processor than this had to wait for one. */
const HAD_PROCESSOR = 0.8;
/** A schedule that was kept: as much of it was published. */
const KEPT = 0.99;
const NAME_WIDTH = 18;
const CELL_WIDTH = 10;

/** The line above: what was asked for. */
export function describeTest(test: LoadTest): string {
  const { subscribers, publishers, topics, bytes, batch, rate, dialect } = test;
  const pace = rate === undefined ? "as fast as it goes" : `${countText(rate)} messages a second`;
  const batches = batch === 1 ? "" : ` in batches of ${countText(batch)}`;
  return [
    countOf(publishers, "publisher"),
    countOf(subscribers, "subscriber"),
    countOf(topics, "topic"),
    `${countText(bytes)} bytes${batches}`,
    dialect,
    pace,
  ].join(" · ");
}

/** The whole report. */
export function reportLines(test: LoadTest, result: LoadResult, colour: Colour): string[] {
  const { measured } = result;
  const { seconds, delivered, acknowledged, published } = measured;
  const rate = (count: number) => `${countText(Math.round(count / seconds))} a second`;
  const mebibytes = (count: number) => `${((count * test.bytes) / seconds / 1_048_576).toFixed(1)} MiB/s of data`;
  const name = (text: string) => colour("dim", text.padEnd(NAME_WIDTH));
  const deliveries = `${name("delivered")}${colour("bold", rate(delivered))}, ${mebibytes(delivered)}`;
  return [
    ...(test.subscribers === 0 ? [] : [deliveries]),
    `${name("acknowledged")}${colour("bold", rate(acknowledged))}, ${mebibytes(acknowledged)}`,
    ...(published === 0 ? [] : ["", ...latencyLines(result, name)]),
    "",
    `${name("hub")}${hubText(result, test)}`,
    `${name("connections")}${countText(test.subscribers + test.publishers)} in ${result.connectSeconds.toFixed(2)} s`,
    ...judge(test, result).map((line) => `\n${colour("yellow", line)}`),
  ];
}

/** The result as one JSON value; times in microseconds, per record in nanoseconds. */
export function reportJson(test: LoadTest, result: LoadResult): object {
  const { measured, totals, stored, isSettled, pid } = result;
  const { seconds, server } = measured;
  const { address, ...plan } = test;
  const records = test.subscribers === 0 ? measured.acknowledged : measured.delivered;
  const perRecord = (used: number) => (records === 0 ? null : Math.round((used * 1e9) / records));
  return {
    url: address.url,
    ...plan,
    deliveredPerSecond: Math.round(measured.delivered / seconds),
    acknowledgedPerSecond: Math.round(measured.acknowledged / seconds),
    ...measured,
    server:
      server === undefined
        ? null
        : {
            pid,
            ...server,
            userNsPerRecord: perRecord(server.userSeconds),
            systemNsPerRecord: perRecord(server.systemSeconds),
          },
    totals,
    stored,
    settled: isSettled,
    remarks: judge(test, result),
  };
}

function latencyLines({ measured }: LoadResult, name: (text: string) => string): string[] {
  const title = ["p50", "p90", "p99", "p99.9", "max"].map((cell) => cell.padStart(CELL_WIDTH)).join("");
  const line = (text: string, latencies: Latencies | undefined) =>
    latencies === undefined ? [] : [name(text) + cells(latencies)];
  return [
    name("latency, ms") + title,
    ...line("  delivery", measured.delivery),
    ...line("  acknowledgement", measured.acknowledgement),
    ...line("  late sending", measured.lateness),
  ];
}

function cells({ p50, p90, p99, p999, max }: Latencies): string {
  return [p50, p90, p99, p999, max]
    .map((us) => (us / 1000).toFixed(us < 100_000 ? 2 : 0).padStart(CELL_WIDTH))
    .join("");
}

function hubText({ measured, pid }: LoadResult, { subscribers }: LoadTest): string {
  const { server, seconds, delivered, acknowledged } = measured;
  if (server === undefined) return "not on this machine, or hidden: --pid tells which process it is";
  const records = subscribers === 0 ? acknowledged : delivered;
  const { userSeconds, systemSeconds, rssAnonBytes } = server;
  const each = (used: number) => timeText((used * 1e9) / Math.max(1, records));
  const what = subscribers === 0 ? "for each acknowledged record" : "for each delivery";
  const share = Math.round(((userSeconds + systemSeconds) / seconds) * 100);
  return [
    `${each(userSeconds + systemSeconds)} of processor time ${what}`,
    `user ${each(userSeconds)}, system ${each(systemSeconds)}`,
    `${share} % of a processor`,
    `${(rssAnonBytes / 1_048_576).toFixed(0)} MiB of private memory`,
    `process ${pid ?? ""}`,
  ].join(" · ");
}

/** What a reader of the figures must know. */
function judge(test: LoadTest, result: LoadResult): string[] {
  const { measured, totals, stored, isSettled } = result;
  const remarks: string[] = [];
  remarks.push(...judgeLoad(measured));
  if (test.rate !== undefined && measured.published < test.rate * measured.seconds * KEPT) {
    const reached = countText(Math.round(measured.published / measured.seconds));
    remarks.push(
      `The rate was not kept: ${reached} messages a second were sent. Their latencies count from when they were due.`,
    );
  }
  if (totals.lost > 0) {
    remarks.push(`${countText(totals.lost)} deliveries were lost: retention overtook readers, who were told.`);
  }
  if (!isSettled) remarks.push("Not all that was published was acknowledged within 5 s of the end.");
  if (isSettled && stored < totals.acknowledged) {
    remarks.push(`The hub holds ${countText(stored)} records, but has acknowledged ${countText(totals.acknowledged)}.`);
  }
  return remarks;
}

/** Who had no time left. */
function judgeLoad({ server, seconds, generatorBusy, generatorCpuSeconds }: Measured): string[] {
  const hubShare = server === undefined ? 0 : (server.userSeconds + server.systemSeconds) / seconds;
  if (generatorBusy < BUSY || hubShare >= BUSY) return [];
  if (generatorCpuSeconds / seconds < HAD_PROCESSOR) {
    return ["This machine was busy with other work: the generator did not get the processor that it wanted."];
  }
  return [
    "The generator itself was the bottleneck: one of its threads had no time left. " +
      "The hub can do more than these figures say; try --threads.",
  ];
}

function timeText(ns: number): string {
  if (ns < 1_000) return `${ns.toFixed(0)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(2)} µs` : `${(ns / 1e6).toFixed(2)} ms`;
}

function countOf(count: number, unit: string): string {
  return `${countText(count)} ${unit}${count === 1 ? "" : "s"}`;
}
