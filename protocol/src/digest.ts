/** The digest that tells a repeated publish from other bytes under the same producer sequence. */
import { crc32 } from "./crc32.js";
import type { NewMessage } from "./operations.js";

const NO_KEY = 0xffff_ffff;

/**
 * Digest of everything that a publish asks to be stored: the messages with their lengths, and the partition if it names one. Two requests
 * with equal digests are taken for the same one (one in 2^32 by chance).
 */
export function digestOf(messages: readonly NewMessage[], partition: number | undefined): number {
  const lengths = new DataView(new ArrayBuffer(16));
  lengths.setInt32(0, partition ?? -1, true);
  lengths.setUint32(4, messages.length, true);
  let crc = crc32(lengths, 0, 8);
  for (const { contentType, key, headers, data } of messages) {
    lengths.setUint32(0, contentType, true);
    lengths.setUint32(4, key?.length ?? NO_KEY, true);
    lengths.setUint32(8, headers.length, true);
    lengths.setUint32(12, data.length, true);
    crc = crc32(lengths, 0, 16, crc);
    if (key !== undefined) crc = continued(crc, key);
    crc = continued(continued(crc, headers), data);
  }
  return crc;
}

function continued(crc: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return crc;
  return crc32(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, crc);
}
