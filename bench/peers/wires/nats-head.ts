/** First lines of what a NATS server delivers: `MSG subject sid [reply] bytes`, and `HMSG subject sid [reply] header-bytes bytes`. */

const SPACE = 0x20;
const CARRIAGE_RETURN = 0x0d;
const ZERO = 0x30;

/** Filled by {@link readNatsHead}. */
export interface NatsHead {
  /** Number of the subscription. */
  sid: number;
  /** Bytes that follow, headers and payload, without the line end behind them. */
  bytes: number;
}

/**
 * Reads the first line of a message. No text is made of it: this runs once for each record.
 * @returns place behind the line, -1 when its end isn't there yet
 */
export function readNatsHead(bytes: Uint8Array, start: number, end: number, head: NatsHead): number {
  let spaces = 0;
  let number = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === SPACE) {
      // Behind the verb, the subject, and then the number that we gave.
      if (++spaces === 3) head.sid = number;
      number = 0;
    } else if (byte === CARRIAGE_RETURN) {
      head.bytes = number;
      return at + 2 <= end ? at + 2 : -1;
    } else {
      // Nonsense within names, but then the next space begins anew; kept to 32 bits so that it stays cheap.
      number = (number * 10 + byte - ZERO) | 0;
    }
  }
  return -1;
}

/** The words of a line that is read seldom. */
export function wordsOf(bytes: Uint8Array, start: number, end: number): string[] {
  return textOf(bytes, start, end).trim().split(" ");
}

/** Bytes as text. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
