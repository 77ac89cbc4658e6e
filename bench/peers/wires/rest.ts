/** For protocols whose messages don't end where parts of WebSocket frames do: what a part leaves over is read again with the next one. */
export class RestReader {
  readonly #read: (bytes: Uint8Array, start: number, end: number) => number;
  #rest: Uint8Array | undefined;
  #isJoined = false;

  /** @param read takes what is whole, and returns the place behind it */
  constructor(read: (bytes: Uint8Array, start: number, end: number) => number) {
    this.#read = read;
  }

  /** Whether what is being read was put together here, so that places in it mean nothing to others. */
  get isJoined(): boolean {
    return this.#isJoined;
  }

  /** Reads one part. */
  take(bytes: Uint8Array, start: number, end: number): void {
    if (this.#rest === undefined) {
      const used = this.#read(bytes, start, end);
      if (used < end) this.#rest = bytes.slice(used, end);
      return;
    }
    const joined = Buffer.concat([this.#rest, bytes.subarray(start, end)]);
    this.#isJoined = true;
    const used = this.#read(joined, 0, joined.length);
    this.#isJoined = false;
    this.#rest = used < joined.length ? joined.subarray(used) : undefined;
  }
}
