/**
 * Positions: the epoch and offset where a consumer is, and the identifiers of Server-Sent Events that are made of them.
 *
 * @see docs/protocol.md, "Positions"
 */
import { RingcastError, shown } from "./errors.js";
import { MAX_PARTITIONS } from "./limits.js";

/** Identity of one stretch of a partition's history and the offset in it that a consumer wants NEXT. */
export interface Position {
  /** 1 to 32 characters of `A-Z a-z 0-9 _ -` */
  readonly epoch: string;
  /** Integer, 0 to 2^53 - 1 */
  readonly offset: number;
}

/** A position in one partition of a topic. */
export interface PartitionPosition extends Position {
  readonly partition: number;
}

const EPOCH = /^[A-Za-z0-9_-]{1,32}$/;
const INTEGER = /^(?:0|[1-9][0-9]{0,15})$/;

/** Longest event id: every partition, each with the longest epoch and offset. */
const MAX_EVENT_ID_LENGTH = MAX_PARTITIONS * (4 + 1 + 32 + 1 + 16 + 1);

/** Whether a value is an offset: an integer from 0 to 2^53 - 1. */
export function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether a value is an epoch: 1 to 32 characters of `A-Z a-z 0-9 _ -`. */
export function isEpoch(value: unknown): value is string {
  return typeof value === "string" && EPOCH.test(value);
}

/** A position as text: `epoch.offset`. */
export function formatPosition(position: Position): string {
  return `${position.epoch}.${position.offset}`;
}

/**
 * Reads what {@link formatPosition} printed.
 * @throws RingcastError `invalid_offset`
 */
export function parsePosition(text: string): Position {
  const dot = text.indexOf(".");
  const epoch = text.slice(0, Math.max(dot, 0));
  const offset = parseInteger(text.slice(dot + 1));
  if (dot < 0 || !isEpoch(epoch) || offset === undefined) throw notUnderstood(text, "epoch.offset");
  return { epoch, offset };
}

/** The `id:` of a Server-Sent Event: `partition.epoch.offset` of every partition, separated by commas. */
export function formatEventId(positions: Iterable<PartitionPosition>): string {
  let text = "";
  for (const position of positions) {
    text += `${text === "" ? "" : ","}${position.partition}.${formatPosition(position)}`;
  }
  return text;
}

/**
 * Reads a `Last-Event-ID`. Time and memory grow with its length, which is limited.
 *
 * @returns one position per partition named, in the order given; never empty
 * @throws RingcastError `invalid_offset` where it isn't one of ours, or names a partition twice
 */
export function parseEventId(text: string): readonly PartitionPosition[] {
  if (text.length > MAX_EVENT_ID_LENGTH) throw notUnderstood(text, "partition.epoch.offset");
  const seen = new Set<number>();
  return text.split(",").map((part) => {
    const dot = part.indexOf(".");
    const partition = parseInteger(part.slice(0, Math.max(dot, 0)));
    if (partition === undefined || partition >= MAX_PARTITIONS || seen.has(partition)) {
      throw notUnderstood(part, "partition.epoch.offset");
    }
    seen.add(partition);
    return { partition, ...parsePosition(part.slice(dot + 1)) };
  });
}

function parseInteger(text: string): number | undefined {
  const value = INTEGER.test(text) ? Number(text) : undefined;
  return isOffset(value) ? value : undefined;
}

function notUnderstood(text: string, form: string): RingcastError {
  return new RingcastError("invalid_offset", `${shown(text)} is no position: give back an id of this hub, ${form}.`);
}
