/**
 * Memory for the binary frames of one flush. Each is made once, for all who read at its place, and is gone when the flush's frames are: a fresh
 * buffer for each would be zeroed, and collected as garbage, 64 KiB at a time.
 */
import { ByteWriter, writeDeliveryHead, type DeliveryHead } from "@ringcast/protocol";
import type { Frame } from "./port.js";

const ARENA_BYTES = 1_048_576;
/** What the head of a frame takes at most: fixed part, topic, epoch, filling. */
const HEAD_BYTES = 512;

export class FrameArena {
  #writer = new ByteWriter(0);

  /**
   * A delivery with the given runs of records, which stays as it is until {@link clear}.
   * @param runs place of the first byte and behind the last of each run, in `bytes`
   */
  frame(head: DeliveryHead, bytes: Uint8Array, runs: readonly number[]): Frame {
    let length = HEAD_BYTES;
    for (let i = 0; i < runs.length; i += 2) length += (runs[i + 1] as number) - (runs[i] as number);
    // What was made before lives on in its frames.
    if (this.#writer.length + length > this.#writer.bytes.length) {
      this.#writer = new ByteWriter(Math.max(ARENA_BYTES, length));
    }
    const writer = this.#writer;
    const at = writer.length;
    writeDeliveryHead(writer, head);
    for (let i = 0; i < runs.length; i += 2) writer.copy(bytes, runs[i], runs[i + 1]);
    return { bytes: writer.bytes.subarray(at, writer.length), binary: true, volatile: true };
  }

  /** The frames made until now are not needed any more. */
  clear(): void {
    this.#writer.length = 0;
    // An unusually large record's memory is given back.
    if (this.#writer.bytes.length > ARENA_BYTES) this.#writer = new ByteWriter(0);
  }
}
