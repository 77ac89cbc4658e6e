/** A growing piece of memory to write text frames into, as bytes. */
import { encodeUtf8, encodeUtf8Into } from "./utf8.js";

const FIRST_BYTES = 1_024;
/** Memory grown beyond this is given back at the next {@link ByteWriter.clear}. */
const KEPT_BYTES = 1_048_576;
/** Up to here words are faster than the call of `set`, which takes 44 ns for anything up to 1 KiB: 32 bytes take 18 ns, 128 take 55. */
const WORDS_BYTES = 96;
/** Longer texts go through the platform's encoder. */
const SHORT_LENGTH = 64;

/** Writes at `length`, grows as needed. Who writes `bytes` directly calls {@link reserve} first. */
export class ByteWriter {
  /** Replaced when it grows: never kept across a call that writes. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Bytes written so far. */
  length = 0;
  /** Over the same memory as `bytes`. */
  #view: DataView<ArrayBuffer>;

  constructor(firstBytes = FIRST_BYTES) {
    this.bytes = new Uint8Array(firstBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` bytes more. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Appends one byte. */
  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Appends text as UTF-8, unescaped. */
  text(text: string): void {
    this.reserve(text.length * 3);
    if (text.length > SHORT_LENGTH) {
      this.length += encodeUtf8Into(text, this.bytes, this.length);
      return;
    }
    const { bytes } = this;
    let place = this.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        const rest = encodeUtf8(text.slice(i));
        bytes.set(rest, place);
        this.length = place + rest.length;
        return;
      }
      bytes[place++] = code;
    }
    this.length = place;
  }

  /** Appends bytes `from` to `to - 1` of `source`. */
  copy(source: Uint8Array, from = 0, to: number = source.length): void {
    const count = to - from;
    this.reserve(count);
    if (count < 16) {
      for (let i = 0; i < count; i++) this.bytes[this.length + i] = source[from + i] as number;
    } else {
      this.bytes.set(source.subarray(from, to), this.length);
    }
    this.length += count;
  }

  /** Appends bytes `from` to `to - 1` of what a view shows, as {@link ByteWriter.copy} does; faster where they are few. */
  copyFrom(source: DataView, from: number, to: number): void {
    const count = to - from;
    if (count > WORDS_BYTES) {
      this.reserve(count);
      this.bytes.set(new Uint8Array(source.buffer, source.byteOffset + from, count), this.length);
      this.length += count;
      return;
    }
    this.reserve(count);
    const view = this.#view;
    let place = this.length;
    let at = from;
    for (; at + 4 <= to; at += 4, place += 4) view.setInt32(place, source.getInt32(at, true), true);
    for (; at < to; at++, place++) view.setUint8(place, source.getUint8(at));
    this.length = place;
  }

  /** Appends an integer from 0 to 2^53 - 1 in decimal digits. */
  integer(value: number): void {
    this.reserve(16);
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    const end = this.length + digits;
    let rest = value;
    let place = end;
    // Double arithmetic only above 2^31: the short way is several times faster.
    while (rest > 0x7fff_ffff) {
      const tens = Math.floor(rest / 10);
      this.bytes[--place] = 48 + (rest - tens * 10);
      rest = tens;
    }
    let small = rest | 0;
    while (place > this.length) {
      const tens = (small / 10) | 0;
      this.bytes[--place] = 48 + (small - tens * 10);
      small = tens;
    }
    this.length = end;
  }

  /** Appends a value as JSON. */
  json(value: unknown): void {
    this.text(JSON.stringify(value));
  }

  /** What was written, in memory of its own. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }

  /** Begins anew. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length <= KEPT_BYTES) return;
    this.bytes = new Uint8Array(FIRST_BYTES);
    this.#view = new DataView(this.bytes.buffer);
  }
}
