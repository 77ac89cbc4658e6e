/**
 * CRC-32 (IEEE 802.3, reflected 0xEDB88320; the same as zlib's): sixteen bytes a step from tables, read as words at any alignment.
 */

/** A CRC-32 from the platform, e.g. `zlib.crc32` of Node: over the bytes given, going on from `seed`. */
export type NativeCrc32 = (bytes: Uint8Array, seed: number) => number;

/** Below this the call into the platform costs more than the tables. */
const NATIVE_FROM_BYTES = 512;

let native: NativeCrc32 | undefined;

/** Hands in a faster CRC-32 for long pieces; undefined takes it back. Results are the same either way. */
export function setNativeCrc32(implementation: NativeCrc32 | undefined): void {
  native = implementation;
}

/**
 * CRC-32 of bytes `at` to `end - 1`.
 *
 * @param seed result over the bytes before, 0 for none; any 32 bits do
 * @returns 0 to 2^32 - 1
 */
export function crc32(view: DataView, at: number, end: number, seed = 0): number {
  return crc32Word(view, at, end, seed) >>> 0;
}

/** The same as {@link crc32}, as the signed 32-bit integer of equal bits: V8 keeps it in a register, where the unsigned one costs an object. */
export function crc32Word(view: DataView, at: number, end: number, seed: number): number {
  if (native !== undefined && end - at >= NATIVE_FROM_BYTES) {
    return native(new Uint8Array(view.buffer, view.byteOffset + at, end - at), seed >>> 0) | 0;
  }
  return update(view, at, end, seed);
}

/** The loop over the bytes. */
const update = /*#__PURE__*/ makeUpdate(/*#__PURE__*/ crc32Tables(16));

// A closure, because V8 takes a constant of an enclosing function for a constant, but not one of a module: 15 % of the time.
function makeUpdate(table: Int32Array): (view: DataView, at: number, end: number, seed: number) => number {
  return (view, at, end, seed) => {
    let crc = ~seed;
    let place = at;
    // One long expression: sixteen independent look-ups is what makes it fast.
    for (; place + 16 <= end; place += 16) {
      const a = crc ^ view.getInt32(place, true);
      const b = view.getInt32(place + 4, true);
      const c = view.getInt32(place + 8, true);
      const d = view.getInt32(place + 12, true);
      crc =
        (table[3840 + (a & 255)] as number) ^
        (table[3584 + ((a >>> 8) & 255)] as number) ^
        (table[3328 + ((a >>> 16) & 255)] as number) ^
        (table[3072 + (a >>> 24)] as number) ^
        (table[2816 + (b & 255)] as number) ^
        (table[2560 + ((b >>> 8) & 255)] as number) ^
        (table[2304 + ((b >>> 16) & 255)] as number) ^
        (table[2048 + (b >>> 24)] as number) ^
        (table[1792 + (c & 255)] as number) ^
        (table[1536 + ((c >>> 8) & 255)] as number) ^
        (table[1280 + ((c >>> 16) & 255)] as number) ^
        (table[1024 + (c >>> 24)] as number) ^
        (table[768 + (d & 255)] as number) ^
        (table[512 + ((d >>> 8) & 255)] as number) ^
        (table[256 + ((d >>> 16) & 255)] as number) ^
        (table[d >>> 24] as number);
    }
    for (; place + 4 <= end; place += 4) {
      const a = crc ^ view.getInt32(place, true);
      crc =
        (table[768 + (a & 255)] as number) ^
        (table[512 + ((a >>> 8) & 255)] as number) ^
        (table[256 + ((a >>> 16) & 255)] as number) ^
        (table[a >>> 24] as number);
    }
    for (; place < end; place++) crc = (crc >>> 8) ^ (table[(crc ^ view.getUint8(place)) & 255] as number);
    return ~crc;
  };
}

/** What byte `b` with `n` bytes behind it adds to a check, at `256 * n + b`, for `n` less than `count`. For who has the words in hand already. */
export function crc32Tables(count: number): Int32Array {
  const table = new Int32Array(count * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256] as number;
    table[at] = (before >>> 8) ^ (table[before & 255] as number);
  }
  return table;
}
