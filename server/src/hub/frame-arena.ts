/**
 * Memory for the frames with records of a flush, and of the next ones while readers at the same place may still want them. A fresh buffer for each
 * would be zeroed, and some thousand a second of 64 KiB each have the garbage collector stop the loop again and again.
 */
import { ByteWriter, writeDeliveryHead, type DeliveryHead } from "@ringcast/protocol";
import type { Frame } from "./port.js";

const CHUNK_BYTES = 1_048_576;
/** Kept for the next frames: as much as there is before the flush forgets what it built, and what goes beyond. */
const MOST_CHUNKS = 10;
/** What the head of a frame takes at most: fixed part, topic, epoch, filling. */
const HEAD_BYTES = 512;

export class FrameArena {
  readonly #chunks: ByteWriter[] = [];
  /** Number of the chunk that is being filled. */
  #current = 0;

  /**
   * A delivery with the given runs of records, which stays as it is until {@link clear}.
   * @param runs place of the first byte and behind the last of each run, in `bytes`
   */
  batch(head: DeliveryHead, bytes: Uint8Array, runs: readonly number[]): Frame {
    let length = HEAD_BYTES;
    for (let i = 0; i < runs.length; i += 2) length += (runs[i + 1] as number) - (runs[i] as number);
    const chunk = this.#chunkFor(length);
    const at = chunk.length;
    writeDeliveryHead(chunk, head);
    for (let i = 0; i < runs.length; i += 2) chunk.copy(bytes, runs[i], runs[i + 1]);
    return { bytes: chunk.bytes.subarray(at, chunk.length), binary: true, volatile: true };
  }

  /** A text frame of what a writer holds, which stays as it is until {@link clear}. */
  text({ bytes, length }: ByteWriter): Frame {
    const chunk = this.#chunkFor(length);
    const at = chunk.length;
    chunk.copy(bytes, 0, length);
    return { bytes: chunk.bytes.subarray(at, chunk.length), binary: false, volatile: true };
  }

  /** The frames made until now are not needed any more. */
  clear(): void {
    for (const chunk of this.#chunks) chunk.length = 0;
    // What an unusually large flush or record took is given back.
    if (this.#chunks.length > MOST_CHUNKS) this.#chunks.length = MOST_CHUNKS;
    const large = this.#chunks.findIndex(({ bytes }) => bytes.length > CHUNK_BYTES);
    if (large >= 0) this.#chunks.splice(large);
    this.#current = 0;
  }

  /** Has room, so that it doesn't grow: what was made before lives on in its frames. */
  #chunkFor(length: number): ByteWriter {
    for (; this.#current < this.#chunks.length; this.#current++) {
      const chunk = this.#chunks[this.#current] as ByteWriter;
      if (chunk.length + length <= chunk.bytes.length) return chunk;
    }
    const added = new ByteWriter(Math.max(CHUNK_BYTES, length));
    this.#chunks.push(added);
    return added;
  }
}
