/** Where a subscription is in one partition: what has come from the hub, and what the user has got. */
import { RingcastError, type Gap, type MessagesFrame, type Position } from "@ringcast/protocol";

export interface Cursor {
  readonly topic: string;
  readonly partition: number;
  /** What the hub sends next. A subscription is resumed here. */
  expected: Position;
  /** What the user gets next. */
  handed: Position;
  /** The newest offset that the user is done with and the hub doesn't know of. */
  done: number | undefined;
}

export function createCursor(topic: string, partition: number, at: Position): Cursor {
  return { topic, partition, expected: at, handed: at, done: undefined };
}

/**
 * The messages of a frame that have not come before. Moves `expected` behind the frame.
 *
 * @throws RingcastError `internal` where messages are missing that no gap announced
 */
export function acceptFrame(cursor: Cursor, frame: MessagesFrame): MessagesFrame {
  const { epoch, offset } = cursor.expected;
  // A new epoch may begin without a gap where nothing was lost, but then exactly where the old one ended.
  const messages = frame.epoch === epoch ? frame.messages.filter((each) => each.offset >= offset) : frame.messages;
  const first = messages[0]?.offset ?? offset;
  if (first !== offset) {
    throw new RingcastError(
      "internal",
      `The hub went from offset ${offset} to ${first} of ${cursor.topic}/${cursor.partition} without announcing a gap: report it, and subscribe again from the subscription's position.`,
      { expected: offset, offset: first, epoch: frame.epoch },
    );
  }
  if (frame.epoch !== epoch || frame.next > offset) cursor.expected = { epoch: frame.epoch, offset: frame.next };
  return messages.length === frame.messages.length ? frame : { ...frame, messages };
}

/** Moves `expected` to where a gap says that delivery goes on. */
export function acceptGap(cursor: Cursor, gap: Gap): void {
  cursor.expected = { epoch: gap.epoch, offset: gap.next };
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

/** The pairs of a table of positions or states by partition. */
export function eachPartition<T>(partitions: Readonly<Record<string, T>>): [number, T][] {
  return Object.entries(partitions).map(([partition, value]) => [Number(partition), value]);
}
