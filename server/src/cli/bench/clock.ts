/** The machine's monotonic clock in microseconds, the same for all processes, and how it stands in payloads. */
import { PAYLOAD_TIME_BYTES } from "./wire.js";

const HALF_DIGITS = PAYLOAD_TIME_BYTES / 2;
const HALF = 2 ** (HALF_DIGITS * 4);
const DIGITS = new TextEncoder().encode("0123456789abcdef");
const VALUES = makeValues();

/** What `performance.now` counts from: it costs a third of `process.hrtime` and allocates nothing, but begins anew in each thread. */
const BASE_US = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000;

/** Microseconds, with a fraction. */
export function nowUs(): number {
  return BASE_US + performance.now() * 1000;
}

/** Writes a time into the first {@link PAYLOAD_TIME_BYTES} of a payload; its fraction is left out. */
export function writeTime(payload: Uint8Array, us: number): void {
  const high = Math.floor(us / HALF);
  writeHalf(payload, 0, high);
  writeHalf(payload, HALF_DIGITS, us - high * HALF);
}

/** Reads what {@link writeTime} wrote; any number where something else stands there. */
export function readTime(bytes: Uint8Array, at: number): number {
  return readHalf(bytes, at) * HALF + readHalf(bytes, at + HALF_DIGITS);
}

function writeHalf(bytes: Uint8Array, at: number, value: number): void {
  let rest = value | 0;
  for (let place = at + HALF_DIGITS - 1; place >= at; place--) {
    bytes[place] = DIGITS[rest & 15] as number;
    rest >>>= 4;
  }
}

function readHalf(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let place = at; place < at + HALF_DIGITS; place++) {
    value = (value << 4) | (VALUES[bytes[place] as number] as number);
  }
  return value;
}

function makeValues(): Uint8Array {
  const values = new Uint8Array(256);
  DIGITS.forEach((digit, value) => (values[digit] = value));
  return values;
}
