/** Readers that read a log from its start to its end, over and over. */
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { timed, type Taken } from "../support/process-usage.js";
import { fill } from "./filling.js";
import type { Bench } from "./scenario.js";
import { addWarmth, isWarm, until } from "./windows.js";

/** Topic that is replayed. */
export const REPLAYED = "bench.replay";
/** Replays at most, before any is measured. */
const MOST_WARM_UPS = 5;

/** Records that each server has stored. */
const stored = new WeakMap<RunningPeer, number>();

/** Stores at least so many records of 128 B. */
export async function prepareReplay(server: RunningPeer, bench: Bench, records: number): Promise<void> {
  await server.prepare?.([REPLAYED]);
  stored.set(server, await fill(server, bench, REPLAYED, records));
}

/** Replays until the window is over, after some that aren't measured. */
export async function replayAll(server: RunningPeer, bench: Bench, readers: number): Promise<Figures> {
  const { step } = bench;
  step("warms up");
  for (let n = 0; n === 0 || (!isWarm(server) && n < MOST_WARM_UPS); n++) {
    addWarmth(server, (await replayOnce(server, bench, readers)).cpuSeconds);
  }
  step("replays");
  const replays: Replayed[] = [];
  while (sum(replays, "seconds") < bench.seconds) replays.push(await replayOnce(server, bench, readers));
  return replayFigures(replays);
}

/** One replay to its end, and what it took. */
export interface Replayed extends Taken {
  /** By all readers together. */
  readonly records: number;
}

/** Replays once. */
export async function replayOnce(server: RunningPeer, bench: Bench, readers: number): Promise<Replayed> {
  const records = (stored.get(server) ?? 0) * readers;
  const taken = await timed(server.pid, () => readAll(server, bench, readers, records));
  await bench.load.endAll();
  return { ...taken, records };
}

/** What several replays came to together. */
export function replayFigures(replays: readonly Replayed[]): Figures {
  const [records, seconds, cpuSeconds] = [sum(replays, "records"), sum(replays, "seconds"), sum(replays, "cpuSeconds")];
  return { cpuNs: (cpuSeconds * 1e9) / records, perSecond: records / seconds, serverCores: cpuSeconds / seconds };
}

function sum(replays: readonly Replayed[], of: keyof Replayed): number {
  return replays.reduce((total, each) => total + each[of], 0);
}

async function readAll(server: RunningPeer, { load }: Bench, connections: number, expected: number): Promise<void> {
  const before = load.totals().delivered;
  await load.readers({ target: server.target("replay"), connections, topics: [REPLAYED], from: "earliest" });
  await until(() => load.totals().delivered - before >= expected, "the last record");
}
