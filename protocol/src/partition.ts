/**
 * The partition of a key: FNV-1a (32 bit) of its UTF-8 bytes, modulo the number of partitions.
 *
 * @param partitions at least 1
 */
export function partitionOf(key: Uint8Array, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
  return (hash >>> 0) % partitions;
}
