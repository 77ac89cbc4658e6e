/**
 * CRC-32 (IEEE 802.3, reflected 0xEDB88320; the same as zlib's): sixteen bytes a step from tables, read as words at any alignment.
 */

/** A CRC-32 from the platform, e.g. `zlib.crc32` of Node: over the bytes given, going on from `seed`. */
export type NativeCrc32 = (bytes: Uint8Array, seed: number) => number;

const SLICES = 16;
const TABLE = /*#__PURE__*/ makeTable();

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
  if (native !== undefined && end - at >= NATIVE_FROM_BYTES) {
    return native(new Uint8Array(view.buffer, view.byteOffset + at, end - at), seed);
  }
  let crc = ~seed;
  let place = at;
  // One long expression: sixteen independent look-ups is what makes it fast.
  for (; place + 16 <= end; place += 16) {
    const a = crc ^ view.getInt32(place, true);
    const b = view.getInt32(place + 4, true);
    const c = view.getInt32(place + 8, true);
    const d = view.getInt32(place + 12, true);
    crc =
      (TABLE[3840 + (a & 255)] as number) ^
      (TABLE[3584 + ((a >>> 8) & 255)] as number) ^
      (TABLE[3328 + ((a >>> 16) & 255)] as number) ^
      (TABLE[3072 + (a >>> 24)] as number) ^
      (TABLE[2816 + (b & 255)] as number) ^
      (TABLE[2560 + ((b >>> 8) & 255)] as number) ^
      (TABLE[2304 + ((b >>> 16) & 255)] as number) ^
      (TABLE[2048 + (b >>> 24)] as number) ^
      (TABLE[1792 + (c & 255)] as number) ^
      (TABLE[1536 + ((c >>> 8) & 255)] as number) ^
      (TABLE[1280 + ((c >>> 16) & 255)] as number) ^
      (TABLE[1024 + (c >>> 24)] as number) ^
      (TABLE[768 + (d & 255)] as number) ^
      (TABLE[512 + ((d >>> 8) & 255)] as number) ^
      (TABLE[256 + ((d >>> 16) & 255)] as number) ^
      (TABLE[d >>> 24] as number);
  }
  for (; place + 4 <= end; place += 4) {
    const a = crc ^ view.getInt32(place, true);
    crc =
      (TABLE[768 + (a & 255)] as number) ^
      (TABLE[512 + ((a >>> 8) & 255)] as number) ^
      (TABLE[256 + ((a >>> 16) & 255)] as number) ^
      (TABLE[a >>> 24] as number);
  }
  for (; place < end; place++) crc = (crc >>> 8) ^ (TABLE[(crc ^ view.getUint8(place)) & 255] as number);
  return ~crc >>> 0;
}

function makeTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
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
