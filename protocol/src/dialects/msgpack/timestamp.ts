/** The three forms of msgpack's timestamp: seconds alone, nanoseconds and seconds in 64 bits, nanoseconds and seconds in 96. */
import { TIMESTAMP_32_BYTES, TIMESTAMP_64_BYTES, readUnsigned } from "./format.js";

const TWO_32 = 0x1_0000_0000;

/** Whole seconds since 1970 of a timestamp of `length` bytes at `at`, which may be negative. */
export function secondsOf(bytes: Uint8Array, at: number, length: number): number {
  if (length === TIMESTAMP_32_BYTES) return readUnsigned(bytes, at, 4);
  const low = readUnsigned(bytes, at + length - 4, 4);
  const high = readUnsigned(bytes, at + length - 8, 4);
  return (length === TIMESTAMP_64_BYTES ? high & 3 : high | 0) * TWO_32 + low;
}

/** Nanoseconds after {@link secondsOf}: 0 to 999,999,999. */
export function nanosecondsOf(bytes: Uint8Array, at: number, length: number): number {
  if (length === TIMESTAMP_32_BYTES) return 0;
  const word = readUnsigned(bytes, at, 4);
  return length === TIMESTAMP_64_BYTES ? word >>> 2 : word;
}

/** Milliseconds since 1970; what is finer is cut off. */
export function millisecondsOf(bytes: Uint8Array, at: number, length: number): number {
  return secondsOf(bytes, at, length) * 1_000 + Math.floor(nanosecondsOf(bytes, at, length) / 1e6);
}
