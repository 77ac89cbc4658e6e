/** Reads everything that a topic holds, when all is healed and nobody publishes any more. */
import type { Reading } from "../history/history.js";
import { boundsOf, readingOf, type Recorder } from "./recorder.js";
import type { RawClient } from "./surroundings.js";

const PATIENCE_MS = 10_000;

/**
 * @param client of the JSON dialect
 * @returns the heads, by partition
 */
export async function readBack(client: RawClient, topic: string, recorder: Recorder): Promise<Map<number, number>> {
  const request = { op: "subscribe", topic, from: "earliest", until: "head" };
  const { subscription, ...reply } = await client.request(request, PATIENCE_MS);
  // The reply names the epoch of the first record; the topic's description that of the last.
  const { topic: description } = await client.request({ op: "topic", topic }, PATIENCE_MS);
  const all = boundsOf(reply.partitions).map((bounds) => ({
    ...bounds,
    epoch: description.partitions[bounds.partition]?.epoch ?? bounds.epoch,
  }));
  const records = new Map(all.map(({ partition }) => [partition, [] as Reading[]]));
  for (;;) {
    const frame = await client.next(PATIENCE_MS);
    if (frame.op === "ended" && frame.subscription === subscription) break;
    if (frame.op !== "messages") continue;
    for (const message of frame.messages)
      records.get(frame.partition)?.push(readingOf(topic, frame.partition, frame.epoch, message));
  }
  for (const bounds of all) {
    recorder.tell({ type: "readBack", topic, ...bounds, records: records.get(bounds.partition) ?? [] });
  }
  return new Map(all.map(({ partition, head }) => [partition, head]));
}
