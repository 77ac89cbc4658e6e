import type { Region } from "./region.js";

/** A region of ordinary memory, for topics with storage "memory": it has no header and ends with the process. */
export class HeapRegion implements Region {
  readonly headerAt = 0;
  readonly headerBytes = 0;
  readonly ringAt = 0;
  readonly isPersistent = false;
  readonly capacityBytes: number;
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;

  constructor(capacityBytes: number, firstBytes: number) {
    this.capacityBytes = capacityBytes;
    this.bytes = new Uint8Array(Math.min(firstBytes, capacityBytes));
    this.view = new DataView(this.bytes.buffer);
  }

  get allocatedBytes(): number {
    return this.bytes.length;
  }

  /** Moves to a larger buffer. Slices handed out before stay as they are: the old buffer lives as long as they do. */
  grow(ringBytes: number): void {
    const bytes = new Uint8Array(Math.min(ringBytes, this.capacityBytes));
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // Nothing to give back: the buffer is collected when nobody holds a slice of it any more.
  }
}
