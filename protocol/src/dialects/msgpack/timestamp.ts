/** The three forms of msgpack's timestamp: seconds alone, nanoseconds and seconds in 64 bits, nanoseconds and seconds in 96. */
import { MAX_TIME_MS } from "../../limits.js";
import {
  LAST_NANOSECOND,
  TIMESTAMP_32_BYTES,
  TIMESTAMP_64_BYTES,
  TIMESTAMP_96_BYTES,
  TIMESTAMP_TYPE,
  readUnsigned,
} from "./format.js";

const TWO_32 = 0x1_0000_0000;

/**
 * Whether an extension is a timestamp that a calendar has.
 *
 * @param at     the byte of its type; the `length` bytes behind it are there
 */
export function isTimestamp(bytes: Uint8Array, at: number, length: number): boolean {
  if (bytes[at] !== TIMESTAMP_TYPE) return false;
  if (length === TIMESTAMP_32_BYTES) return true;
  if (length !== TIMESTAMP_64_BYTES && length !== TIMESTAMP_96_BYTES) return false;
  const seconds = secondsOf(bytes, at + 1, length);
  const nanoseconds = nanosecondsOf(bytes, at + 1, length);
  const last = MAX_TIME_MS / 1_000;
  const isInRange = (seconds >= -last && seconds < last) || (seconds === last && nanoseconds === 0);
  return nanoseconds <= LAST_NANOSECOND && isInRange;
}

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
