/**
 * What bare WebSocket servers speak: the least that topics and acknowledgements need, so that they show what the library costs.
 *
 *     byte 0   1   2        2 + n
 *     +------+---+----------+---------
 *     |  op  | n |  topic   | payload
 *     +------+---+----------+---------
 *
 *     S U   subscribe, unsubscribe                answered with that byte alone
 *     P     publish: passed on to subscribers as it is
 *     B     several at once: n, topic, then each payload behind its length (4 bytes, big-endian); passed on as so many P
 *     E     echo: answered with A alone, whatever it holds
 */
export const SUBSCRIBE = 0x53;
export const UNSUBSCRIBE = 0x55;
export const PUBLISH = 0x50;
export const BATCH = 0x42;
export const ECHO = 0x45;
export const ANSWER = 0x41;
export const TOPIC_AT = 2;

/** The topic of any frame but an answer. */
export function topicOf(frame: Buffer): string {
  return frame.toString("latin1", TOPIC_AT, TOPIC_AT + frame[1]!);
}

/** Takes a batch apart. @param each gets one publish */
export function forEachOfBatch(batch: Buffer, each: (publish: Buffer) => void): void {
  const headBytes = TOPIC_AT + batch[1]!;
  for (let at = headBytes; at < batch.length;) {
    const bytes = batch.readUInt32BE(at);
    const publish = Buffer.allocUnsafe(headBytes + bytes);
    batch.copy(publish, 0, 0, headBytes);
    publish[0] = PUBLISH;
    batch.copy(publish, headBytes, at + 4, at + 4 + bytes);
    each(publish);
    at += 4 + bytes;
  }
}
