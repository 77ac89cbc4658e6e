/** The digest that tells a repeated publish from other bytes under the same producer sequence. */
import { crc32, crc32Word } from "./crc32.js";
import type { NewMessage } from "./operations.js";
import { RecordRun } from "./record-run.js";
import { KEY_AT, contentTypeOf, dataAtOf, dataEndOf, hasKey, headersAtOf, lengthOf } from "./record.js";

const NO_KEY = 0xffff_ffff;
const LENGTHS_BYTES = 16;

/** Filled anew for each message: calls don't nest. */
const lengths = /*#__PURE__*/ new DataView(new ArrayBuffer(LENGTHS_BYTES));

/**
 * Digest of everything that a publish asks to be stored: the messages with their lengths, and the partition if it names one. Two requests
 * with equal digests are taken for the same one (one in 2^32 by chance). Messages and the records that they came as have the same.
 */
export function digestOf(messages: readonly NewMessage[] | RecordRun, partition: number | undefined): number {
  lengths.setInt32(0, partition ?? -1, true);
  lengths.setUint32(4, messages instanceof RecordRun ? messages.count : messages.length, true);
  const crc = crc32(lengths, 0, 8);
  return messages instanceof RecordRun ? withRecords(crc, messages) : withMessages(crc, messages);
}

/** Key, headers and data of a record stand one behind the other: they are taken at once. */
function withRecords(seed: number, { view, at: first, end }: RecordRun): number {
  let crc = seed;
  for (let at = first; at < end; at += lengthOf(view, at)) {
    const headersAt = headersAtOf(view, at);
    const dataAt = dataAtOf(view, at);
    const dataEnd = dataEndOf(view, at);
    const keyLength = hasKey(view, at) ? headersAt - at - KEY_AT : NO_KEY;
    crc = withLengths(crc, contentTypeOf(view, at), keyLength, dataAt - headersAt, dataEnd - dataAt);
    crc = crc32Word(view, at + KEY_AT, dataEnd, crc);
  }
  return crc >>> 0;
}

function withMessages(seed: number, messages: readonly NewMessage[]): number {
  let crc = seed;
  for (const { contentType, key, headers, data } of messages) {
    crc = withLengths(crc, contentType, key?.length ?? NO_KEY, headers.length, data.length);
    if (key !== undefined) crc = withBytes(crc, key);
    crc = withBytes(withBytes(crc, headers), data);
  }
  return crc >>> 0;
}

function withLengths(crc: number, contentType: number, key: number, headers: number, data: number): number {
  lengths.setUint32(0, contentType, true);
  lengths.setUint32(4, key, true);
  lengths.setUint32(8, headers, true);
  lengths.setUint32(12, data, true);
  return crc32Word(lengths, 0, LENGTHS_BYTES, crc);
}

function withBytes(crc: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return crc;
  return crc32Word(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, crc);
}
