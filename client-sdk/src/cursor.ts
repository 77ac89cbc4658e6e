/** Where a subscription is in one partition: what has come from the hub, and what the user has got. */
import { RingcastError, type MessagesFrame, type Position } from "@ringcast/protocol";

export interface Cursor {
  readonly topic: string;
  readonly partition: number;
  /** What the hub sends next. A subscription is resumed here. */
  expected: Position;
  /** What the user gets next. */
  handed: Position;
}

/**
 * The messages of a frame that have not come before. Moves `expected` behind the frame.
 *
 * @throws RingcastError `internal` where messages are missing that no gap announced
 */
export function acceptFrame(cursor: Cursor, frame: MessagesFrame): MessagesFrame {
  const { epoch, offset } = cursor.expected;
  // A new epoch may begin without a gap where nothing was lost, but then exactly where the old one ended.
  const messages = frame.messages.filter((each) => frame.epoch !== epoch || each.offset >= offset);
  const first = messages[0]?.offset ?? offset;
  if (first !== offset) {
    throw new RingcastError(
      "internal",
      `The hub skipped ${cursor.topic}/${cursor.partition}, ${offset} to ${first - 1}.`,
    );
  }
  if (frame.epoch !== epoch || frame.next > offset) cursor.expected = { epoch: frame.epoch, offset: frame.next };
  return { ...frame, messages };
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
