/** Readers that read a log from its start to its end, over and over. */
import type { RunningPeer } from "../peers/peer.js";
import type { Figures } from "../report/figures.js";
import { timed } from "../support/process-usage.js";
import { fill } from "./filling.js";
import type { Bench } from "./scenario.js";
import { until } from "./windows.js";

const TOPIC = "bench.replay";

/** Records that each server has stored. */
const stored = new WeakMap<RunningPeer, number>();

/** Stores at least so many records of 128 B. */
export async function prepareReplay(server: RunningPeer, bench: Bench, records: number): Promise<void> {
  await server.prepare?.([TOPIC]);
  stored.set(server, await fill(server, bench, TOPIC, records));
}

/**
 * Replays until the window is over.
 *
 * @param before is called before each one; without it, one that isn't measured warms up
 */
export async function replayAll(
  server: RunningPeer,
  bench: Bench,
  { readers, before }: { readonly readers: number; readonly before?: (() => void) | undefined },
): Promise<Figures> {
  const { load, step } = bench;
  const expected = (stored.get(server) ?? 0) * readers;
  const once = (): Promise<void> => readAll(server, bench, readers, expected);
  if (before === undefined) {
    step("warms up");
    await once();
    await load.endAll();
  }
  step("replays");
  let [records, seconds, cpuSeconds] = [0, 0, 0];
  while (seconds < bench.seconds) {
    before?.();
    const taken = await timed(server.pid, once);
    await load.endAll();
    records += expected;
    seconds += taken.seconds;
    cpuSeconds += taken.cpuSeconds;
  }
  return { cpuNs: (cpuSeconds * 1e9) / records, perSecond: records / seconds, serverCores: cpuSeconds / seconds };
}

async function readAll(server: RunningPeer, { load }: Bench, connections: number, expected: number): Promise<void> {
  const before = load.totals().delivered;
  await load.readers({ target: server.target("replay"), connections, topics: [TOPIC], from: "earliest" });
  await until(() => load.totals().delivered - before >= expected, "the last record");
}
