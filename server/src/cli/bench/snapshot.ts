/** What was counted up to a moment, and what two moments say of the time between them. */
import type { EventLoopUtilization } from "node:perf_hooks";
import { addCounts, LATENCY_BUCKETS, subtractCounts, summarize } from "./latency.js";
import type { Latencies, Measured, ProcessUse } from "./plan.js";
import { COUNTER, type Tally } from "./tally.js";

type HistogramName = "delivery" | "acknowledgement" | "lateness" | "outage";

export interface Snapshot {
  readonly ms: number;
  readonly cpuUs: number;
  /** Sums over all threads, by {@link COUNTER}. */
  readonly counters: readonly number[];
  readonly histograms: Readonly<Record<HistogramName, Uint32Array>>;
  /** Of each thread: milliseconds in which its event loop was busy, and those of them in which it only waited. */
  readonly threads: readonly { readonly activeMs: number; readonly waitedMs: number }[];
}

export function takeSnapshot(tallies: readonly Tally[], loops: readonly EventLoopUtilization[]): Snapshot {
  const { user, system } = process.cpuUsage();
  const counters = Object.values(COUNTER).map((place) =>
    tallies.reduce((total, tally) => total + (tally.counters[place] as number), 0),
  );
  const sum = (name: HistogramName) => {
    const counts = new Uint32Array(LATENCY_BUCKETS);
    for (const tally of tallies) addCounts(counts, tally[name]);
    return counts;
  };
  return {
    ms: performance.now(),
    cpuUs: user + system,
    counters,
    histograms: {
      delivery: sum("delivery"),
      acknowledgement: sum("acknowledgement"),
      lateness: sum("lateness"),
      outage: sum("outage"),
    },
    threads: loops.map(({ active }, thread) => ({
      activeMs: active,
      waitedMs: ((tallies[thread] as Tally).counters[COUNTER.waitedUs] as number) / 1000,
    })),
  };
}

export function diffSnapshots(
  before: Snapshot,
  after: Snapshot,
  server: ProcessUse | undefined,
): Measured & { readonly outage: Latencies | undefined } {
  const count = (counter: number) => (after.counters[counter] as number) - (before.counters[counter] as number);
  const latencies = (name: HistogramName) => {
    const counts = after.histograms[name].slice();
    subtractCounts(counts, before.histograms[name]);
    return summarize(counts);
  };
  const ms = after.ms - before.ms;
  const busy = after.threads.map(({ activeMs, waitedMs }, thread) => {
    const then = before.threads[thread];
    return (activeMs - (then?.activeMs ?? 0) - (waitedMs - (then?.waitedMs ?? 0))) / ms;
  });
  return {
    seconds: ms / 1000,
    published: count(COUNTER.published),
    acknowledged: count(COUNTER.acknowledged),
    delivered: count(COUNTER.delivered),
    lost: count(COUNTER.lost),
    subscribed: count(COUNTER.subscribed),
    delivery: latencies("delivery"),
    acknowledgement: latencies("acknowledgement"),
    lateness: latencies("lateness"),
    outage: latencies("outage"),
    generatorCpuSeconds: (after.cpuUs - before.cpuUs) / 1e6,
    generatorBusy: Math.min(1, Math.max(0, ...busy)),
    server,
  };
}
