/** How a producer's state stands in the catalogue: a JSON array of numbers and epochs, since the catalogue alone reads it. */
import type { ReplyEntry } from "./replies.js";

/** State of one producer. */
export interface SavedProducer {
  /** Next sequence that is new. */
  readonly next: number;
  /** Sequences below it are too old to be known word for word. */
  readonly floor: number;
  /** Time of the last publish. */
  readonly lastMs: number;
  readonly entries: readonly ReplyEntry[];
}

type Row = [
  sequence: number,
  partition: number,
  epoch: number,
  first: number,
  count: number,
  timestamp: number,
  digest: number,
];

export function encodeProducer(producer: SavedProducer): string {
  const epochs = [...new Set(producer.entries.map(({ epoch }) => epoch))];
  const rows = producer.entries.map((entry): Row => [
    entry.sequence,
    entry.partition,
    epochs.indexOf(entry.epoch),
    entry.first,
    entry.count,
    entry.timestamp,
    entry.digest,
  ]);
  return JSON.stringify([producer.next, producer.floor, producer.lastMs, epochs, rows]);
}

export function decodeProducer(bytes: Uint8Array): SavedProducer {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const [next, floor, lastMs, epochs, rows] = JSON.parse(text) as [number, number, number, string[], Row[]];
  const entries = rows.map(([sequence, partition, epoch, first, count, timestamp, digest]) => {
    return { sequence, partition, epoch: epochs[epoch] as string, first, count, timestamp, digest };
  });
  return { next, floor, lastMs, entries };
}
