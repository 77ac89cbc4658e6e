/**
 * Memory that all connections of a thread use in turn: one buffer to read into, one to write from, and what is kept of
 * messages that came in part.
 */
import type { Socket } from "node:net";

/** What a message that isn't whole yet may have, so that it can be put in front of what comes next. */
const MAX_REST_BYTES = 8 * 1_048_576;
/**
 * What one read takes. A larger one would not stay in the processor's cache between the kernel's copy and our look at
 * it.
 */
const READ_BYTES = 256 * 1_024;
const OUTPUT_BYTES = 256 * 1_024;
/** Buffers for rests have at least this size. */
const MIN_REST_BITS = 8;

export class ThreadIo {
  /** Bytes are read to {@link READ_AT}; a rest of earlier ones is put directly before it. */
  readonly bytes = new Uint8Array(MAX_REST_BYTES + READ_BYTES);
  readonly readAt = MAX_REST_BYTES;
  readonly readPart = this.bytes.subarray(MAX_REST_BYTES);
  readonly output = new Output();
  readonly #free: Uint8Array[][] = [];

  /** Keeps bytes until more has come. @returns undefined where there are too many of them */
  keep(start: number, end: number): Rest | undefined {
    const length = end - start;
    if (length > MAX_REST_BYTES) return undefined;
    const bits = Math.max(MIN_REST_BITS, 32 - Math.clz32(length - 1));
    const memory = this.#free[bits]?.pop() ?? new Uint8Array(1 << bits);
    memory.set(this.bytes.subarray(start, end));
    return { memory, length };
  }

  /** Puts a rest in front of what was read. @returns where it begins */
  restore({ memory, length }: Rest): number {
    const start = this.readAt - length;
    this.bytes.set(memory.subarray(0, length), start);
    const bits = 31 - Math.clz32(memory.length);
    (this.#free[bits] ??= []).push(memory);
    return start;
  }
}

/** Bytes that wait for what comes behind them. */
export interface Rest {
  readonly memory: Uint8Array;
  readonly length: number;
}

/** What is written to one connection in a row goes out in one write. */
export class Output {
  #memory = new Uint8Array(OUTPUT_BYTES);
  #length = 0;
  #socket: Socket | undefined;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  /**
   * Makes room for `bytes` more to this socket, and sends what waits for another one.
   * @returns memory and the place to write to; {@link advance} tells how far it was used
   */
  reserve(socket: Socket, bytes: number): number {
    if (this.#socket !== socket || this.#length + bytes > this.#memory.length) this.flush();
    this.#socket = socket;
    if (bytes > this.#memory.length) this.#memory = new Uint8Array(bytes);
    return this.#length;
  }

  get memory(): Uint8Array {
    return this.#memory;
  }

  advance(end: number): void {
    this.#length = end;
  }

  /** Sends what is there. */
  flush(): void {
    const socket = this.#socket;
    const length = this.#length;
    this.#socket = undefined;
    this.#length = 0;
    if (socket === undefined || length === 0 || socket.destroyed) return;
    const memory = this.#memory;
    let isPending = false;
    // Called in a later turn at the earliest.
    socket.write(memory.subarray(0, length), () => {
      if (isPending && memory.length === OUTPUT_BYTES) this.#free.push(memory);
    });
    // What the kernel didn't take at once stays where it is until it did: the next one is written from other memory.
    isPending = socket.writableLength > 0;
    if (isPending) this.#memory = this.#free.pop() ?? new Uint8Array(OUTPUT_BYTES);
  }
}
