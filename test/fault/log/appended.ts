/** What the appender writes at an offset: reveals partition, offset and its batch, with a length that varies. */
export function dataOf(partition: number, offset: number, batchFirst: number, batchCount: number): string {
  return `${partition}:${offset}:${batchFirst}:${batchCount}:`.padEnd(20 + ((offset * 37) % 300), "abcdefgh");
}
