/**
 * One file of the model: what its readers see (the page cache) and what the storage device has. A page is dirty when the two differ, so that whoever has the
 * file mapped need not say where it writes.
 */
import type { Random } from "../../support/random.js";

export const PAGE_BYTES = 4_096;
/** What a device writes whole or not at all. */
const SECTOR_BYTES = 512;
/** Looked at for a store beyond the end of a mapped file. */
const GUARD_BYTES = 65_536;

/** What a sync that has begun is going to bring to the device. */
export interface Snapshot {
  readonly size: number;
  readonly pages: ReadonlyMap<number, Uint8Array>;
}

/** What a power cut does to what wasn't synced. `mixed`: each page has a fate of its own. */
export type Fate = "lost" | "kept" | "mixed";

export class SimulatedFile {
  size = 0;
  #cache = Buffer.alloc(0);
  #device = Buffer.alloc(0);
  #sizeOnDevice = 0;
  /** Lengths it has had since the device heard of one. */
  #sizes: number[] = [];
  /** Pages that have blocks. */
  readonly #blocks = new Set<number>();
  /** Pages of which the device has ever got anything; others are zeros there. */
  readonly #written = new Set<number>();
  /** Pages that a failed sync left behind, as they were then: clean for all that the system knows. */
  readonly #forgotten = new Map<number, Uint8Array>();
  /** Forgotten pages that were new: later syncs succeed, and the device still has zeros, as ext4's unwritten extents do. */
  readonly #doomed = new Set<number>();
  readonly #syncing = new Set<Snapshot>();
  /** What the device had before the file was cut shorter, while it doesn't know of that. */
  #uncut: { readonly device: Buffer; readonly size: number } | undefined;
  #mappings = 0;

  // ---- what a process does -------------------------------------------------------------------------------------------

  read(target: Uint8Array, targetAt: number, length: number, at: number): number {
    const end = Math.min(at + length, this.size);
    if (end <= at) return 0;
    target.set(this.#cache.subarray(at, end), targetAt);
    return end - at;
  }

  write(source: Uint8Array, at: number): void {
    const end = at + source.length;
    this.#lengthen(end);
    this.#cache.set(source, at);
    this.#addBlocks(at, end);
  }

  truncate(length: number): void {
    if (length >= this.size) {
      this.#lengthen(length);
      return;
    }
    this.#uncut ??= { device: Buffer.from(this.#device.subarray(0, this.#sizeOnDevice)), size: this.#sizeOnDevice };
    this.#cache.fill(0, length, this.size);
    this.#device.fill(0, length);
    this.#dropPages(Math.ceil(length / PAGE_BYTES));
    this.size = length;
    this.#sizes.push(length);
  }

  allocate(from: number, length: number): void {
    this.#lengthen(from + length);
    this.#addBlocks(from, from + length);
  }

  /** Bytes of a write at a place that find blocks. */
  bytesWithBlocks(at: number, length: number): number {
    const end = at + length;
    for (let page = Math.floor(at / PAGE_BYTES); page * PAGE_BYTES < end; page++)
      if (!this.#blocks.has(page)) return Math.max(0, page * PAGE_BYTES - at);
    return length;
  }

  get isSparse(): boolean {
    return this.#blocks.size < Math.ceil(this.size / PAGE_BYTES);
  }

  /** @returns the page cache itself, as far as `length` */
  map(length: number): Buffer<ArrayBuffer> {
    if (length > this.#cache.length && this.#mappings > 0) throw new Error("A file is mapped a second time, longer.");
    this.#ensure(length);
    this.#mappings++;
    return this.#cache;
  }

  unmap(): void {
    this.#mappings--;
  }

  // ---- what the system does ------------------------------------------------------------------------------------------

  beginSync(): Snapshot {
    const pages = new Map<number, Uint8Array>();
    for (const page of this.#dirtyPages()) pages.set(page, Uint8Array.from(this.#pageOf(this.#cache, page)));
    const snapshot = { size: this.size, pages };
    this.#syncing.add(snapshot);
    return snapshot;
  }

  endSync(snapshot: Snapshot): void {
    this.#syncing.delete(snapshot);
    this.#uncut = undefined;
    this.#sizeOnDevice = snapshot.size;
    this.#sizes = this.size === snapshot.size ? [] : [this.size];
    for (const [page, bytes] of snapshot.pages) if (page * PAGE_BYTES < this.size) this.#bring(page, bytes);
  }

  /** The device has nothing of it; the system tells once and takes the pages for clean from then on. */
  failSync(snapshot: Snapshot): void {
    this.#syncing.delete(snapshot);
    for (const [page, bytes] of snapshot.pages) {
      this.#forgotten.set(page, bytes);
      if (!this.#written.has(page)) this.#doomed.add(page);
    }
  }

  /** Brings some of the dirty pages to the device, as the system does at any time. */
  writeBack(random: Random): void {
    for (const page of [...this.#dirtyPages()])
      if (random.oneIn(2)) this.#bring(page, Uint8Array.from(this.#pageOf(this.#cache, page)));
  }

  /** The process is gone: nobody's memory is the page cache any more. */
  detach(): void {
    this.#checkGuard();
    const cache = Buffer.alloc(this.#cache.length);
    this.#cache.copy(cache, 0, 0, this.size);
    this.#cache = cache;
    this.#mappings = 0;
    this.#syncing.clear();
  }

  cutPower(random: Random, fate: Fate): void {
    this.#checkGuard();
    if (this.#uncut !== undefined && fate !== "kept" && (fate === "lost" || random.oneIn(2)))
      this.#restore(this.#uncut);
    else this.#settle(random, fate);
    const cache = Buffer.alloc(this.#cache.length);
    this.#device.copy(cache, 0, 0, this.size);
    this.#cache = cache;
    this.#mappings = 0;
    this.#sizes = [];
    this.#sizeOnDevice = this.size;
    this.#uncut = undefined;
    this.#syncing.clear();
    this.#forgotten.clear();
    this.#doomed.clear();
  }

  /** Changes what the device has of a place, and what readers see there. */
  damage(at: number, change: (byte: number) => number): void {
    const byte = change(this.#cache[at] ?? 0) & 0xff;
    this.#cache[at] = byte;
    this.#device[at] = byte;
  }

  // ---- pages ---------------------------------------------------------------------------------------------------------

  #restore({ device, size }: { readonly device: Buffer; readonly size: number }): void {
    this.size = size;
    this.#ensure(size);
    this.#device.fill(0);
    device.copy(this.#device);
    this.#dropPages(Math.ceil(size / PAGE_BYTES));
    this.#addBlocks(0, size);
    for (let page = 0; page * PAGE_BYTES < size; page++) this.#written.add(page);
  }

  #settle(random: Random, fate: Fate): void {
    const dirty = new Set(this.#dirtyPages());
    const sizes = [this.#sizeOnDevice, ...this.#sizes];
    const size = fate === "lost" ? this.#sizeOnDevice : fate === "kept" ? this.size : random.pick(sizes);
    for (const page of dirty) {
      if (fate === "lost" || this.#doomed.has(page)) continue;
      const current = Uint8Array.from(this.#pageOf(this.#cache, page));
      if (fate === "kept") this.#bring(page, current);
      else this.#tear(random, page, [current, ...this.#underWay(page)]);
    }
    this.#device.fill(0, size);
    this.#dropPages(Math.ceil(size / PAGE_BYTES));
    this.size = size;
    this.#ensure(size);
  }

  /** What syncs under way would have brought of a page. */
  #underWay(page: number): Uint8Array[] {
    return [...this.#syncing].flatMap(({ pages }) => pages.get(page) ?? []);
  }

  /** A page of which the device has some version, or of each sector some version. */
  #tear(random: Random, page: number, versions: readonly Uint8Array[]): void {
    const all = [Uint8Array.from(this.#pageOf(this.#device, page)), ...versions];
    const isTorn = random.oneIn(3);
    const whole = random.pick(all);
    const result = new Uint8Array(PAGE_BYTES);
    for (let at = 0; at < PAGE_BYTES; at += SECTOR_BYTES)
      result.set((isTorn ? random.pick(all) : whole).subarray(at, at + SECTOR_BYTES), at);
    this.#bring(page, result);
  }

  #bring(page: number, bytes: Uint8Array): void {
    if (this.#doomed.has(page)) {
      this.#forgotten.set(page, bytes);
      return;
    }
    this.#device.set(bytes, page * PAGE_BYTES);
    this.#written.add(page);
    this.#forgotten.delete(page);
  }

  *#dirtyPages(): Generator<number> {
    for (let page = 0; page * PAGE_BYTES < this.size; page++) {
      const at = page * PAGE_BYTES;
      const end = at + PAGE_BYTES;
      if (this.#cache.compare(this.#device, at, end, at, end) === 0) continue;
      const forgotten = this.#forgotten.get(page);
      if (forgotten !== undefined && this.#pageOf(this.#cache, page).equals(forgotten)) continue;
      yield page;
    }
  }

  #pageOf(bytes: Buffer<ArrayBuffer>, page: number): Buffer<ArrayBuffer> {
    return bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  }

  #addBlocks(from: number, end: number): void {
    for (let page = Math.floor(from / PAGE_BYTES); page * PAGE_BYTES < end; page++) this.#blocks.add(page);
  }

  #dropPages(first: number): void {
    for (const pages of [this.#blocks, this.#written, this.#forgotten, this.#doomed])
      for (const page of [...pages.keys()]) if (page >= first) pages.delete(page);
  }

  #lengthen(size: number): void {
    if (size <= this.size) return;
    if (size > this.#cache.length && this.#mappings > 0) throw new Error("A mapped file grows beyond its mapping.");
    this.#ensure(size);
    this.size = size;
    this.#sizes.push(size);
  }

  /** Makes room for pages of both, whole ones. */
  #ensure(length: number): void {
    if (length <= this.#cache.length) return;
    const wanted = Math.ceil(Math.max(length, this.#cache.length * 2) / PAGE_BYTES) * PAGE_BYTES;
    this.#cache = copyOf(this.#cache, wanted);
    this.#device = copyOf(this.#device, wanted);
  }

  /** A real process would have died by SIGBUS. */
  #checkGuard(): void {
    const end = Math.ceil(this.size / PAGE_BYTES) * PAGE_BYTES;
    if (this.#cache.subarray(end, end + GUARD_BYTES).some((byte) => byte !== 0))
      throw new Error("A mapped file was touched beyond its end.");
  }
}

function copyOf(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
  const copy = Buffer.alloc(length);
  bytes.copy(copy);
  return copy;
}
