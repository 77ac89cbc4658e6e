/** Windows of the load generator as figures. */
import { setTimeout as pause } from "node:timers/promises";
import type { Figures } from "../report/figures.js";
import type { RunningPeer } from "../peers/peer.js";
import type { LoadGenerator } from "../../server/src/cli/bench/generator.js";
import type { Joined, Latencies, Measured } from "../../server/src/cli/bench/plan.js";
import { ProcessMeter, rssAnonOf } from "../../server/src/cli/bench/process-meter.js";
import type { Bench } from "./scenario.js";

/** What of a window is counted. */
export type Counted = "delivered" | "acknowledged" | "subscribed" | "published";

/** Processor time in which a server's code gets warm: V8 has then made fast code of it, also where other work keeps the server from running. */
const WARM_CPU_SECONDS = 0.7;
/** As many times the usual time is spent at most on that. */
const MOST_WARM_UPS = 8;

/** Processor time under load of each server so far, seconds. */
const warmth = new WeakMap<RunningPeer, number>();

/** Whether a server has worked enough for its code to be warm. */
export function isWarm(server: RunningPeer): boolean {
  return (warmth.get(server) ?? 0) >= WARM_CPU_SECONDS;
}

/** Notes what a server has worked under load. */
export function addWarmth(server: RunningPeer, cpuSeconds: number): void {
  warmth.set(server, (warmth.get(server) ?? 0) + cpuSeconds);
}

/** Warms up, then measures a window in which everything goes on as it does. */
export async function measure(server: RunningPeer, bench: Bench): Promise<Measured> {
  await warmUp(server, bench);
  return measureWarm(server, bench);
}

/** Lets everything go on until the server is warm. */
export function warmUp(server: RunningPeer, bench: Bench): Promise<void> {
  return warmUpBy(server, bench, () => run(server, bench, bench.warmUpSeconds));
}

/** Does something again and again until the server is warm. @param once notes what it took: {@link addWarmth} */
export async function warmUpBy(server: RunningPeer, { step }: Bench, once: () => Promise<unknown>): Promise<void> {
  step("warms up");
  for (let n = 0; n === 0 || (!isWarm(server) && n < MOST_WARM_UPS); n++) await once();
}

/** Measures a window of a server that is warm. */
export function measureWarm(server: RunningPeer, bench: Bench): Promise<Measured> {
  bench.step("measures");
  return run(server, bench, bench.seconds);
}

async function run(server: RunningPeer, { load }: Bench, seconds: number): Promise<Measured> {
  const measured = await load.run({ ms: seconds * 1_000, pids: [server.pid] });
  addWarmth(server, cpuSecondsOf(measured));
  return measured;
}

function cpuSecondsOf({ server }: Measured): number {
  return server === undefined ? 0 : server.userSeconds + server.systemSeconds;
}

/** Rate, processor time for each one that was counted, and who was busy. @throws Error when nothing was counted */
export function figuresOf(measured: Measured, counted: Counted): Figures {
  const count = measured[counted];
  if (count === 0) throw new Error(`Nothing was ${counted}.`);
  const { seconds, server, generatorBusy, generatorCpuSeconds } = measured;
  const cpuSeconds = cpuSecondsOf(measured);
  return {
    cpuNs: (cpuSeconds * 1e9) / count,
    perSecond: count / seconds,
    systemShare: (server?.systemSeconds ?? 0) / cpuSeconds,
    serverCores: cpuSeconds / seconds,
    generatorCores: generatorCpuSeconds / seconds,
    generatorBusy,
    ...(server === undefined ? {} : { rssBytes: server.rssAnonBytes }),
  };
}

/** Connects, and counts who was busy meanwhile; processor time is for each connection. */
export async function connectFigures<J extends Joined>(
  { pid }: RunningPeer,
  connect: () => Promise<J>,
): Promise<{ readonly joined: J; readonly figures: Figures }> {
  const meter = new ProcessMeter([pid]);
  meter.begin();
  const joined = await connect();
  const { userSeconds, systemSeconds } = meter.end();
  const { connections, seconds, generatorCpuSeconds, generatorBusy } = joined;
  const cpuSeconds = userSeconds + systemSeconds;
  const figures = {
    cpuNs: (cpuSeconds * 1e9) / connections,
    perSecond: connections / seconds,
    serverCores: cpuSeconds / seconds,
    generatorCores: generatorCpuSeconds / seconds,
    generatorBusy,
  };
  return { joined, figures };
}

/** Percentiles; nothing where nothing was measured. */
export function latencyFigures(latencies: Latencies | undefined): Figures {
  if (latencies === undefined) return {};
  const { p50, p90, p99, p999, max } = latencies;
  return { p50Us: p50, p90Us: p90, p99Us: p99, p999Us: p999, maxUs: max };
}

const STEADY_MS = 300;
const STEADY_WITHIN_MS = 5_000;
const STEADY_BYTES = 256 * 1024;

/** Private memory of a server once it no longer changes by much. */
export async function steadyMemory({ pid }: RunningPeer): Promise<number> {
  const deadlineMs = performance.now() + STEADY_WITHIN_MS;
  let bytes = rssAnonOf(pid);
  while (performance.now() < deadlineMs) {
    await pause(STEADY_MS);
    const now = rssAnonOf(pid);
    const isSteady = Math.abs(now - bytes) < STEADY_BYTES;
    bytes = now;
    if (isSteady) break;
  }
  return bytes;
}

const QUIET_MS = 500;
const QUIET_WITHIN_MS = 20_000;

/** Waits until all has arrived, or nothing arrives any more. */
export async function settled(load: LoadGenerator, isAll: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + QUIET_WITHIN_MS;
  for (let before = -1; performance.now() < deadlineMs && load.totals().delivered !== before;) {
    before = load.totals().delivered;
    for (let waitedMs = 0; waitedMs < QUIET_MS; waitedMs += LOOK_MS) {
      if (isAll()) return;
      await pause(LOOK_MS);
    }
  }
}

const LOOK_MS = 2;

/** Waits until something holds. @throws Error when it doesn't in time */
export async function until(holds: () => boolean, what: string, withinMs = 60_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${withinMs / 1_000} s.`);
    await pause(LOOK_MS);
  }
}
