import { closeSync, openSync, writeSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BlockCache } from "../../../../server/src/log/block-cache.js";
import { FILE_HEADER_BYTES } from "../../../../server/src/log/file-header.js";
import type { LogCursor, LogStore, RingLog } from "../../../../server/src/log/index.js";
import type { Region } from "../../../../server/src/log/region/index.js";
import { MappedRegion } from "../../../../server/src/log/region/mapped-region.js";
import { createNodeRuntime } from "../../../../server/src/runtime/index.js";
import {
  append,
  emptyResult,
  firstLog,
  message,
  onlyLogFile,
  openStore,
  SMALL,
  take,
} from "../../../support/log-store.js";
import { tempDir } from "../../../support/temp-dir.js";

const MIB = 2 ** 20;
const EDGE = 65_536;

/** A log with so many bytes of records of about 1,000 bytes; every hundredth is too large for a block. */
async function filled(
  directory: string,
  bytes: number,
  capacityBytes = 32 * MIB,
): Promise<{ store: LogStore; log: RingLog }> {
  const { store } = await openStore(directory);
  const log = firstLog(store.createTopic("t", { ...SMALL, capacityBytes }));
  fill(log, bytes);
  return { store, log };
}

function fill(log: RingLog, bytes: number): void {
  const end = log.headAddress + bytes;
  while (log.headAddress < end) {
    const length = log.head % 100 === 99 ? 100_000 : 900 + (log.head % 7) * 16;
    append(log, [message(`${log.head} `.padEnd(length, "x"))]);
  }
}

interface Replay {
  readonly offsets: number[];
  readonly holes: [number, number][];
  readonly bounds: number[];
  pending: number;
}

/** Reads to the head as a reader does that waits whenever it is told to. */
async function replay(store: LogStore, log: RingLog, cursor: LogCursor): Promise<Replay> {
  const result = emptyResult();
  const replay: Replay = { offsets: [], holes: [], bounds: [], pending: 0 };
  for (;;) {
    const readable = new Promise<void>((resolve) => (store.onReadable = () => resolve()));
    const status = log.read(cursor, EDGE, Infinity, result);
    if (status === "end") return replay;
    if (status === "pending") {
      replay.pending++;
      await readable;
      continue;
    }
    if (status === "corrupt") replay.holes.push([cursor.offset, result.nextOffset - 1]);
    else if (status === "below-tail") replay.holes.push([cursor.offset, result.nextOffset - 1]);
    else {
      const { seen, holes } = take(log, result);
      replay.offsets.push(...seen.map(({ offset, data }) => (data.startsWith(`${offset} `) ? offset : -1)));
      replay.holes.push(...holes.map(({ from, to }): [number, number] => [from, to]));
      replay.bounds.push(result.nextOffset);
    }
    cursor.offset = result.nextOffset;
    cursor.address = result.nextAddress;
  }
}

function upTo(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

// What was just written is in memory: as if the kernel had let go of it.
beforeEach(() => void vi.spyOn(MappedRegion.prototype, "isInMemory").mockReturnValue(false));
afterEach(() => void vi.restoreAllMocks());

describe("a reader far behind the head", () => {
  it("waits for nothing that is in memory, but for the first block", async () => {
    vi.restoreAllMocks();
    using root = tempDir();
    const { store, log } = await filled(root.path, 12 * MIB);
    const far = await replay(store, log, { offset: 1, address: -1 });
    expect(far.offsets).toEqual(upTo(1, log.head));
    expect(far.pending).toBe(1);
    vi.spyOn(MappedRegion.prototype, "isInMemory").mockImplementation((at) => at > MIB);
    const half = await replay(store, log, { offset: 1, address: -1 });
    expect(half.offsets).toEqual(far.offsets);
    expect(half.bounds).toEqual(far.bounds);
    expect(half.pending).toBeGreaterThan(2);
    await store.close();
  });

  it("gets every record once, from blocks read off the loop, in the frames of a reader near it", async () => {
    using root = tempDir();
    const { store, log } = await filled(root.path, 12 * MIB);
    const far = await replay(store, log, { offset: 0, address: -1 });
    expect(far.offsets).toEqual(upTo(0, log.head));
    expect(far.holes).toEqual([]);
    expect(far.pending).toBeGreaterThan(10);
    expect(store.counters.blockReadBytes).toBeGreaterThan(3.5 * MIB);
    expect(store.counters.blockReadBytes).toBeLessThan(9 * MIB);
    const near = await replay(store, log, { offset: 0, address: -1, mapped: true });
    expect(near.pending).toBe(0);
    expect(near.bounds).toEqual(far.bounds);
    await store.close();
  });

  it("goes on over the wrap, and from an offset whose address nobody knows", async () => {
    using root = tempDir();
    const { store, log } = await filled(root.path, 28 * MIB, 16 * MIB);
    expect(log.tail).toBeGreaterThan(0);
    expect(log.tailAddress).toBeLessThan(16 * MIB);
    const all = await replay(store, log, { offset: log.tail, address: -1 });
    expect(all.offsets).toEqual(upTo(log.tail, log.head));
    const from = log.tail + 1_234;
    const some = await replay(store, log, { offset: from, address: 8 });
    expect(some.offsets).toEqual(upTo(from, log.head));
    await store.close();
  });

  it("is told of a damaged record, and gets those behind it", async () => {
    using root = tempDir();
    const { store, log } = await filled(root.path, 12 * MIB);
    const fd = openSync(onlyLogFile(root.path), "r+");
    const address = log.addressOf(500);
    writeSync(fd, new Uint8Array(300), 0, 300, FILE_HEADER_BYTES + address);
    closeSync(fd);
    const { offsets, holes } = await replay(store, log, { offset: 0, address: -1 });
    expect(holes).toEqual([[500, 500]]);
    expect(offsets).toEqual([...upTo(0, 500), ...upTo(501, log.head)]);
    await store.close();
  });

  it("never believes a block over which the ring went on while it was read", async () => {
    using root = tempDir();
    const { store, log } = await filled(root.path, 15 * MIB, 16 * MIB);
    const result = emptyResult();
    const cursor = { offset: log.tail, address: -1 };
    const readable = new Promise<void>((resolve) => (store.onReadable = () => resolve()));
    expect(log.read(cursor, EDGE, Infinity, result)).toBe("pending");
    // In the same turn: the tail passes the block that is being read, and its place is overwritten.
    fill(log, 3 * MIB);
    await readable;
    expect(log.read(cursor, EDGE, Infinity, result)).toBe("below-tail");
    const { offsets, holes } = await replay(store, log, { offset: result.nextOffset, address: result.nextAddress });
    expect(offsets).toEqual(upTo(log.tail, log.head));
    expect(holes).toEqual([]);
    await store.close();
  });

  it("shares its blocks with all who stand there", async () => {
    using root = tempDir();
    const { store, log } = await filled(root.path, 12 * MIB);
    const waiting = new Set<() => void>();
    store.onReadable = () => {
      for (const wake of waiting) wake();
      waiting.clear();
    };
    const readers = Array.from({ length: 10 }, async () => {
      const result = emptyResult();
      const cursor = { offset: 0, address: -1 };
      for (;;) {
        const status = log.read(cursor, EDGE, Infinity, result);
        if (status === "end") return cursor.offset;
        if (status === "pending") {
          await new Promise<void>((resolve) => waiting.add(resolve));
          continue;
        }
        cursor.offset = result.nextOffset;
        cursor.address = result.nextAddress;
      }
    });
    expect(await Promise.all(readers)).toEqual(Array.from({ length: 10 }, () => log.head));
    expect(store.counters.blockReadBytes).toBeLessThan(9 * MIB);
    await store.close();
  });
});

/** Reads that end when the test says so. */
class SlowRegion {
  readonly capacityBytes = 2 ** 30;
  readonly reads: { readonly at: number; readonly end: (isWhole: boolean) => void }[] = [];

  readInto(at: number): Promise<boolean> {
    return new Promise((end) => this.reads.push({ at, end }));
  }
}

describe("the cache of blocks", () => {
  const log = { headAddress: 2 ** 29, tailAddress: 0 } as RingLog;

  it("has few reads under way, and asks those to come again whom it turned away", async () => {
    const asked: RingLog[] = [];
    const cache = new BlockCache(createNodeRuntime(), (again) => void asked.push(again));
    const region = new SlowRegion();
    const others = Array.from({ length: 10 }, () => ({ ...log }));
    for (const [i, other] of others.entries()) cache.want(other, region as unknown as Region, i * MIB, 1);
    expect(region.reads.length).toBeLessThan(10);
    const underWay = region.reads.length;
    region.reads[0]?.end(true);
    await vi.waitUntil(() => asked.length > 0);
    expect(asked).toEqual([others[0], ...others.slice(underWay)]);
  });

  it("holds a bounded number of bytes", async () => {
    const cache = new BlockCache(createNodeRuntime(), () => undefined);
    const region = new SlowRegion();
    for (let i = 0; i < 500; i++) {
      cache.want(log, region as unknown as Region, i * 65_536, 1);
      region.reads.shift()?.end(true);
      await Promise.resolve();
      await Promise.resolve();
      const block = cache.find(region as unknown as Region, i * 65_536);
      if (block !== undefined) cache.use(block);
      expect(cache.bytes).toBeLessThanOrEqual(8 * MIB);
    }
    expect(cache.bytes).toBeGreaterThan(7 * MIB);
    cache.drop(region as unknown as Region);
    expect(cache.bytes).toBe(0);
  });

  it("calls a stretch damaged that the device can't read, instead of touching it", async () => {
    using root = tempDir();
    const { store, log: read } = await filled(root.path, 12 * MIB);
    const region = (read as unknown as { readonly region: Region }).region as Region & {
      readInto: () => Promise<boolean>;
    };
    const whole = region.readInto.bind(region) as (at: number, target: Uint8Array) => Promise<boolean>;
    vi.spyOn(region, "readInto").mockImplementation(((at: number, target: Uint8Array) =>
      at > 0 && at < 200_000 ? Promise.resolve(false) : whole(at, target)) as never);
    const { offsets, holes } = await replay(store, read, { offset: 0, address: -1 });
    expect(holes.length).toBeGreaterThan(0);
    const lost = holes.flatMap(([from, to]) => upTo(from, to + 1));
    expect([...offsets, ...lost].sort((a, b) => a - b)).toEqual(upTo(0, read.head));
    await store.close();
  });
});
