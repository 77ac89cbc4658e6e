/**
 * Where reading begins: turns a start or a position into an offset of one log, and says whether the reader's history is still this log's.
 * Pure decisions over what a log tells of itself.
 *
 * @see docs/protocol.md, "subscribe"
 */
import {
  RingcastError,
  isOffset,
  shown,
  type PartitionPositions,
  type Position,
  type TopicStart,
} from "@ringcast/protocol";
import type { LineageEntry, RingLog } from "../log/index.js";

/** What a start needs to know of a log. */
export type LogFacts = Pick<RingLog, "head" | "tail" | "lineage" | "offsetAtTime">;

/** The offset to read next, and the position in another history where the reader stood: that jump is to be told as a gap. */
export interface Beginning {
  readonly offset: number;
  /** Undefined: seamless. */
  readonly stoodAt: Position | undefined;
}

/**
 * @param start `{positions}`: the position of this partition is in `position`
 * @throws RingcastError `invalid_offset` ahead of the head, with `details.head`
 */
export function beginningOf(log: LogFacts, start: TopicStart, partition: number): Beginning {
  if (start === "latest") return seamless(log.head);
  if (start === "earliest") return seamless(log.tail);
  if ("offset" in start) return seamless(checkOffset(start.offset, log.head));
  if ("time" in start) return seamless(Math.max(log.tail, log.offsetAtTime(start.time)));
  if ("last" in start) return seamless(Math.max(log.tail, log.head - start.last));
  const position = Object.hasOwn(start.positions, partition) ? start.positions[partition] : undefined;
  return position === undefined ? seamless(log.tail) : resume(log, position);
}

/** The epoch that an offset belongs to; that of the oldest known stretch for what lies before it. */
export function epochAt(lineage: readonly LineageEntry[], offset: number): string {
  let entry = lineage[0] as LineageEntry;
  for (const next of lineage) if (next.first <= offset) entry = next;
  return entry.epoch;
}

/**
 * Where a reader goes on that stands at a position: seamless if the epoch is in the lineage and the offset not past the start of its successor.
 * @throws RingcastError `invalid_offset` ahead of the head of the newest epoch
 */
export function resume(log: LogFacts, position: Position): Beginning {
  const { epoch, offset } = position;
  const at = newestOf(log.lineage, epoch);
  if (at < 0) return { offset: log.tail, stoodAt: position };
  const successor = log.lineage[at + 1];
  if (successor === undefined) return seamless(checkOffset(offset, log.head));
  return offset <= successor.first ? seamless(offset) : { offset: successor.first, stoodAt: position };
}

/** The last place of an epoch in a lineage; -1 where it is not in it. */
function newestOf(lineage: readonly LineageEntry[], epoch: string): number {
  let at = lineage.length - 1;
  while (at >= 0 && lineage[at]?.epoch !== epoch) at--;
  return at;
}

/** Where a topic that was just made begins: at its first record. Who stood in another history of that name is told so. */
export function anew(log: Pick<LogFacts, "lineage">, positions: PartitionPositions, partition: number): Beginning {
  const position = Object.hasOwn(positions, partition) ? positions[partition] : undefined;
  if (position === undefined) return seamless(0);
  const isItsStart = position.offset === 0 && position.epoch === log.lineage[0]?.epoch;
  return { offset: 0, stoodAt: isItsStart ? undefined : position };
}

function seamless(offset: number): Beginning {
  return { offset, stoodAt: undefined };
}

function checkOffset(offset: number, head: number): number {
  if (isOffset(offset) && offset <= head) return offset;
  throw new RingcastError(
    "invalid_offset",
    `Offset ${shown(offset)} is not in the log, whose head is ${head}: begin at the head or before it.`,
    { head },
  );
}
