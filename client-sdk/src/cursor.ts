/** Where a subscription is in one partition: what has come from the hub, and what the user has got. */
import { RingcastError, type MessagesFrame, type Position, type WireMessage } from "@ringcast/protocol";

export interface Cursor {
  readonly topic: string;
  readonly partition: number;
  /** What the hub sends next. A subscription is resumed here. */
  expected: Position;
  /** What the user gets next. */
  handed: Position;
  /** Nothing from here on is wanted: the head as the hub first told it, of a subscription that ends there. */
  end: number | undefined;
}

/**
 * The messages of a frame that have not come before and are wanted. Moves `expected` behind the frame.
 *
 * @param isFiltered messages may be left out
 * @throws RingcastError `internal` where messages are missing that no gap announced
 */
export function acceptFrame(cursor: Cursor, frame: MessagesFrame, isFiltered: boolean): readonly WireMessage[] {
  const { topic, partition, expected, end } = cursor;
  const { epoch, next } = frame;
  // A new epoch may begin without a gap where nothing was lost, but then exactly where the old one ended.
  const isNew = epoch !== expected.epoch;
  const fresh = frame.messages.filter(({ offset }) => isNew || offset >= expected.offset);
  const missing = next - expected.offset - fresh.length;
  if (isNew || next > expected.offset) {
    if (isFiltered ? missing < 0 : missing) {
      throw new RingcastError(
        "internal",
        `The hub skipped some of ${topic}/${partition}, ${expected.offset} to ${next}.`,
      );
    }
    cursor.expected = { epoch, offset: next };
  }
  return end === undefined ? fresh : fresh.filter(({ offset }) => offset < end);
}

/** Positions of many cursors, by topic and partition. */
export function positionsOf(
  cursors: Iterable<Cursor>,
  which: "expected" | "handed",
): Record<string, Record<string, Position>> {
  // Without a prototype: "__proto__" is a legal topic name.
  const topics = Object.create(null) as Record<string, Record<string, Position>>;
  for (const cursor of cursors) (topics[cursor.topic] ??= {})[cursor.partition] = cursor[which];
  return topics;
}
