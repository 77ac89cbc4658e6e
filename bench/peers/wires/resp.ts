/** Replies of Redis (RESP 2), read without making text or objects of them. */

const CARRIAGE_RETURN = 0x0d;
const ZERO = 0x30;
const MINUS = 0x2d;

/** First bytes of replies. */
export const REPLY = { status: 0x2b, error: 0x2d, integer: 0x3a, bulk: 0x24, array: 0x2a } as const;

/** Goes through bytes; once they end too early it {@link isShort}, and what it says means nothing. */
export class ReplyReader {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  isShort = false;

  /** Begins at a place. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.isShort = false;
  }

  /** Reads piece by piece while they are whole. @returns place behind the last whole one */
  readAll(bytes: Uint8Array, start: number, end: number, readNext: () => void): number {
    let used = start;
    this.begin(bytes, start, end);
    while (this.at < end) {
      readNext();
      if (this.isShort) break;
      used = this.at;
    }
    return used;
  }

  /** A line that is a number behind its first byte: an integer, or the length of what follows. */
  number(): number {
    let value = 0;
    let sign = 1;
    for (let at = this.at + 1; at < this.end; at++) {
      const byte = this.bytes[at]!;
      if (byte === CARRIAGE_RETURN) {
        this.at = at + 2;
        if (this.at > this.end) this.isShort = true;
        return sign * value;
      }
      if (byte === MINUS) sign = -1;
      else value = value * 10 + byte - ZERO;
    }
    this.isShort = true;
    return 0;
  }

  /** Skips a bulk string. @returns where its bytes begin */
  bulk(): number {
    const length = this.number();
    const start = this.at;
    this.at += length + 2;
    if (this.at > this.end) this.isShort = true;
    return start;
  }

  /** A line. @returns its text behind the first byte */
  line(): string {
    const start = this.at + 1;
    const length = this.bytes.subarray(start, this.end).indexOf(CARRIAGE_RETURN);
    this.at = start + length + 2;
    if (length === -1 || this.at > this.end) this.isShort = true;
    return this.text(start, start + length);
  }

  /** Some of the bytes as text. */
  text(start: number, end: number): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, Math.max(0, end - start)).toString("latin1");
  }
}

/** A command as clients send it, one character a byte. */
export function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map(bulkString).join("")}`;
}

/** One word of a command. */
export function bulkString(word: string): string {
  return `$${word.length}\r\n${word}\r\n`;
}
