/**
 * UTF-8 in both directions and its validation, without an allocation where the text is plain ASCII.
 */

// Declared here because the package must compile without the types of Node or of the DOM; every platform we run on has both.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label: string, options: { ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}

const encoder = /*#__PURE__*/ new TextEncoder();
// Without ignoreBOM a leading U+FEFF of a key or text would vanish in silence.
const decoder = /*#__PURE__*/ new TextDecoder("utf-8", { ignoreBOM: true });

/** Up to here pieces of characters are faster than the call into the platform's decoder. */
const SHORT_BYTES = 40;

/** UTF-8 bytes of a text, in memory of their own; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/**
 * Writes a text as UTF-8.
 *
 * @param target must have room for three bytes a character from `at` on
 * @returns bytes written
 */
export function encodeUtf8Into(text: string, target: Uint8Array, at: number): number {
  return encoder.encodeInto(text, at === 0 ? target : target.subarray(at)).written;
}

/** Text of bytes `at` to `end - 1`; what isn't UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, at = 0, end: number = bytes.length): string {
  const short = end - at <= SHORT_BYTES ? decodeAscii(bytes, at, end) : undefined;
  return short ?? decoder.decode(bytes.subarray(at, end));
}

/** Text of ASCII bytes, in pieces of four; undefined where one of them isn't. */
function decodeAscii(bytes: Uint8Array, at: number, end: number): string | undefined {
  let text = "";
  let place = at;
  for (; place + 4 <= end; place += 4) {
    const a = bytes[place] as number;
    const b = bytes[place + 1] as number;
    const c = bytes[place + 2] as number;
    const d = bytes[place + 3] as number;
    if ((a | b | c | d) >= 0x80) return undefined;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; place < end; place++) {
    const byte = bytes[place] as number;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Number of bytes that a text takes in UTF-8. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    // Each half of a surrogate pair counts two here, which makes the four bytes of the pair.
    length += code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 1 : 2;
  }
  return length;
}

/** Whether a text has no lone surrogate, so that it survives the way through UTF-8. */
export function isWellFormed(text: string): boolean {
  // The platform's own is several times faster; browsers before 2023 have none.
  const own = (text as { readonly isWellFormed?: () => boolean }).isWellFormed;
  return own === undefined ? !/\p{Surrogate}/u.test(text) : own.call(text);
}

/**
 * Judges the sequence that begins at `at`.
 *
 * @returns its length (1 to 4) where it is valid; otherwise minus the number of bytes that one U+FFFD stands for (the "maximal subpart" of the
 * Unicode standard, as every browser's decoder counts it)
 */
export function utf8Sequence(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // The second byte alone tells overlong forms, surrogates and what lies beyond U+10FFFF.
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = at + i < end ? (bytes[at + i] as number) : 0;
    const isContinuation = i === 1 ? byte >= lowest && byte <= highest : byte >= 0x80 && byte <= 0xbf;
    if (!isContinuation) return -i;
  }
  return length;
}

/** Whether bytes `at` to `end - 1` are UTF-8 throughout. */
export function isUtf8(bytes: Uint8Array, at = 0, end: number = bytes.length): boolean {
  for (let place = at; place < end;) {
    const step = (bytes[place] as number) < 0x80 ? 1 : utf8Sequence(bytes, place, end);
    if (step < 0) return false;
    place += step;
  }
  return true;
}
