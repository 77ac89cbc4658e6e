/**
 * The header block of a record: for each header
 *
 * ```
 *   +--------+-----------+--------+---------+
 *   | name   | value     | name … | value … |      lengths in bytes; name 1 to 128, UTF-8; all together at most 64 headers
 *   | len u8 | len u16le |        |         |      and 16 KiB of names and values
 *   +--------+-----------+--------+---------+
 * ```
 */
import { RingcastError, shown } from "./errors.js";
import { HUB_HEADER_PREFIX, MAX_HEADERS, MAX_HEADERS_BYTES, MAX_HEADER_NAME_BYTES } from "./limits.js";
import { decodeUtf8, encodeUtf8Into, isUtf8, isWellFormed, utf8Length } from "./utf8.js";

/** Bytes of the lengths in front of each header. */
export const HEADER_PREFIX_BYTES = 3;

/** A message without headers. */
export const NO_HEADERS: Uint8Array = /*#__PURE__*/ new Uint8Array(0);

/**
 * Validates headers that came from outside and lays them out.
 *
 * @param headers an object of strings, as it was decoded from a request
 * @returns the block, in memory of its own
 * @throws RingcastError `bad_request` with `details.field`
 */
export function encodeHeaders(headers: unknown): Uint8Array {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw refused("headers", `Give "headers" as an object of strings, not ${shown(headers)}.`);
  }
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) {
    throw refused("headers", `Give at most ${MAX_HEADERS} headers, not ${entries.length}.`);
  }
  let length = 0;
  for (const [name, value] of entries) length += checkHeader(name, value);
  if (length > MAX_HEADERS_BYTES) {
    throw refused("headers", `Keep the headers within ${MAX_HEADERS_BYTES} bytes together, they have ${length}.`);
  }
  return length === 0 ? NO_HEADERS : layOut(entries as [string, string][], length);
}

/**
 * Reads a header block.
 *
 * @returns names and values in their order; undefined where the bytes aren't a whole block
 */
export function decodeHeaders(bytes: Uint8Array, at = 0, end: number = bytes.length): [string, string][] | undefined {
  const entries: [string, string][] = [];
  for (let place = at; place < end;) {
    const next = headerEnd(bytes, place, end);
    if (next < 0) return undefined;
    const nameAt = place + HEADER_PREFIX_BYTES;
    const valueAt = nameAt + (bytes[place] as number);
    entries.push([decodeUtf8(bytes, nameAt, valueAt), decodeUtf8(bytes, valueAt, next)]);
    place = next;
  }
  return entries;
}

/** Place after the header that begins at `at`; -1 where it doesn't fit before `end`. */
export function headerEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + HEADER_PREFIX_BYTES > end) return -1;
  const valueLength = (bytes[at + 1] as number) | ((bytes[at + 2] as number) << 8);
  const next = at + HEADER_PREFIX_BYTES + (bytes[at] as number) + valueLength;
  return next > end ? -1 : next;
}

/**
 * Validates a header block that came as bytes, by the rules of {@link encodeHeaders}; a name may not come twice.
 *
 * @throws RingcastError `bad_request` with `details.field`
 */
export function checkHeaderBlock(bytes: Uint8Array, at: number, end: number): void {
  let count = 0;
  let place = at;
  for (; place < end; count++) {
    // Before names are compared with one another, so that the work has a bound.
    if (count === MAX_HEADERS) throw refused("headers", `Give at most ${MAX_HEADERS} headers.`);
    const next = headerEnd(bytes, place, end);
    if (next < 0)
      throw refused("headers", "Lay headers out as docs/protocol.md says: these bytes are no header block.");
    checkHeaderBytes(bytes, place, next);
    if (isNamedBefore(bytes, at, place)) throw refused("headers", "Give each header once.");
    place = next;
  }
  const length = end - at - count * HEADER_PREFIX_BYTES;
  if (length > MAX_HEADERS_BYTES) {
    throw refused("headers", `Keep the headers within ${MAX_HEADERS_BYTES} bytes together, they have ${length}.`);
  }
}

function checkHeaderBytes(bytes: Uint8Array, at: number, next: number): void {
  const nameAt = at + HEADER_PREFIX_BYTES;
  const valueAt = nameAt + (bytes[at] as number);
  if (!isUtf8(bytes, nameAt, valueAt) || !isUtf8(bytes, valueAt, next)) {
    throw refused("headers", "Give headers as UTF-8.");
  }
  checkHeader(decodeUtf8(bytes, nameAt, valueAt), "");
}

/** Whether a header before the one at `place` has the same name. */
function isNamedBefore(bytes: Uint8Array, at: number, place: number): boolean {
  const length = bytes[place] as number;
  for (let other = at; other < place; other = headerEnd(bytes, other, place)) {
    let same = bytes[other] === length;
    for (let i = HEADER_PREFIX_BYTES; same && i < HEADER_PREFIX_BYTES + length; i++) {
      same = bytes[other + i] === bytes[place + i];
    }
    if (same) return true;
  }
  return false;
}

function checkHeader(name: string, value: unknown): number {
  const nameLength = utf8Length(name);
  if (nameLength === 0 || nameLength > MAX_HEADER_NAME_BYTES) {
    throw refused("headers", `Give header names of 1 to ${MAX_HEADER_NAME_BYTES} bytes, not ${shown(name)}.`);
  }
  // Control characters in a name would have to be escaped wherever headers meet another protocol.
  if (/[\p{Cc}\p{Surrogate}]/u.test(name)) {
    throw refused("headers", `Give header names without control characters, not ${shown(name)}.`);
  }
  if (name.startsWith(HUB_HEADER_PREFIX)) {
    throw refused(
      "headers",
      `Header ${shown(name)} belongs to the hub: choose a name that does not begin with "${HUB_HEADER_PREFIX}".`,
    );
  }
  if (typeof value !== "string" || !isWellFormed(value)) {
    throw refused("headers", `Give header ${shown(name)} a string of whole characters, not ${shown(value)}.`);
  }
  return nameLength + utf8Length(value);
}

function layOut(entries: readonly [string, string][], textLength: number): Uint8Array {
  const block = new Uint8Array(textLength + entries.length * HEADER_PREFIX_BYTES);
  let at = 0;
  for (const [name, value] of entries) {
    const nameLength = encodeUtf8Into(name, block, at + HEADER_PREFIX_BYTES);
    const valueLength = encodeUtf8Into(value, block, at + HEADER_PREFIX_BYTES + nameLength);
    block[at] = nameLength;
    block[at + 1] = valueLength & 255;
    block[at + 2] = valueLength >>> 8;
    at += HEADER_PREFIX_BYTES + nameLength + valueLength;
  }
  return block;
}

function refused(field: string, message: string): RingcastError {
  return new RingcastError("bad_request", message, { field });
}
