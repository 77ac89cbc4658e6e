/** Brings a known number of records into a server's log. */
import type { RunningPeer } from "../peers/peer.js";
import { USUAL_BYTES } from "./contenders.js";
import type { Bench } from "./scenario.js";
import { until } from "./windows.js";

/** 100 of them in a publish, so many publishes under way. */
const BATCH = 100;
const UNDER_WAY = 16;
const WITHIN_MS = 100_000;

/** Fills one topic with at least so many records of 128 B. @returns how many there are */
export async function fill(
  server: RunningPeer,
  { load, step }: Bench,
  topic: string,
  records: number,
): Promise<number> {
  step(`stores ${records} records`);
  const before = load.totals();
  const target = server.target("ingest");
  await load.writers({
    target,
    connections: 1,
    topics: [topic],
    bytes: USUAL_BYTES,
    batch: BATCH,
    inflight: UNDER_WAY,
  });
  await until(() => load.totals().acknowledged - before.acknowledged >= records, "filling the log", WITHIN_MS);
  await load.pauseWriters();
  const published = load.totals().published - before.published;
  await until(() => load.totals().acknowledged - before.acknowledged >= published, "the last acknowledgements");
  await load.endWriters();
  return published;
}
