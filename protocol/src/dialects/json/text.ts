/** Bytes of records as JSON: text as strings, anything else as `{"$bytes":"<base64>"}`. */
import { base64Length, writeBase64 } from "../../base64.js";
import type { ByteWriter } from "../../byte-writer.js";
import { utf8Sequence } from "../../utf8.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** One escape sequence (`\u001f`) for one byte is the most that a character grows by. */
const MOST_GROWTH = 6;

/** Writes bytes as an object with `$bytes` alone. */
export function writeOctets(writer: ByteWriter, bytes: Uint8Array, from: number, to: number): void {
  writer.text('{"$bytes":"');
  writer.reserve(base64Length(to - from));
  writer.length = writeBase64(bytes, from, to, writer.bytes, writer.length);
  writer.text('"}');
}

/** Writes UTF-8 bytes as a JSON string; what isn't UTF-8 becomes U+FFFD. */
export function writeString(writer: ByteWriter, bytes: Uint8Array, from: number, to: number): void {
  writer.byte(QUOTE);
  for (let at = from; at < to;) {
    const end = plainEnd(bytes, at, to);
    if (end > at) {
      writer.copy(bytes, at, end);
      at = end;
    } else {
      at = writeSpecial(writer, bytes, at, to);
    }
  }
  writer.byte(QUOTE);
}

/** Place of the first byte from `at` on that can't be copied as it is. */
function plainEnd(bytes: Uint8Array, at: number, to: number): number {
  let place = at;
  while (place < to) {
    const byte = bytes[place] as number;
    if (byte < 0x80) {
      if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) break;
      place += 1;
    } else {
      const step = utf8Sequence(bytes, place, to);
      if (step < 0) break;
      place += step;
    }
  }
  return place;
}

/** Writes the character at `at` in another form and returns the place after it. */
function writeSpecial(writer: ByteWriter, bytes: Uint8Array, at: number, to: number): number {
  const byte = bytes[at] as number;
  writer.reserve(MOST_GROWTH);
  if (byte >= 0x80) {
    writer.text("\ufffd");
    return at - utf8Sequence(bytes, at, to);
  }
  writer.byte(BACKSLASH);
  switch (byte) {
    case QUOTE:
    case BACKSLASH:
      writer.byte(byte);
      break;
    case 0x08:
      writer.text("b");
      break;
    case 0x0c:
      writer.text("f");
      break;
    case 0x0a:
      writer.text("n");
      break;
    case 0x0d:
      writer.text("r");
      break;
    case 0x09:
      writer.text("t");
      break;
    default:
      writer.text(`u${byte.toString(16).padStart(4, "0")}`);
  }
  return at + 1;
}
