import { closeSync, fstatSync, openSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FILE_HEADER_BYTES } from "../../../server/src/log/file-header.js";
import { Arenas } from "../../../server/src/log/disk/arenas.js";
import { NodeDisk, NodeFile } from "../../../server/src/log/disk/index.js";
import { canReadFile } from "../../../server/src/log/disk/log-file.js";
import { FileRegion, HeapRegion, MappedRegion, type Region } from "../../../server/src/log/region/index.js";
import { tempDir } from "../../support/temp-dir.js";

const CAPACITY = 1_048_576;
const FIRST = 65_536;

/** What every region has to do for a log; `fresh` makes an empty one. */
function regionContract(name: string, fresh: (path: string) => Region): void {
  describe(`a ${name} region`, () => {
    it("has its first bytes, all zero, and the rest of its capacity later", () => {
      using root = tempDir();
      const region = fresh(root.path);
      expect([region.capacityBytes, region.allocatedBytes]).toEqual([CAPACITY, FIRST]);
      expect(region.ringAt - region.headerAt).toBe(region.headerBytes);
      expect(region.bytes.subarray(region.ringAt, region.ringAt + FIRST).every((byte) => byte === 0)).toBe(true);
      region.close();
    });

    it("keeps what was written when it grows, and never passes its capacity", () => {
      using root = tempDir();
      const region = fresh(root.path);
      region.bytes[region.ringAt + FIRST - 1] = 7;
      region.grow(200_000);
      expect(region.allocatedBytes).toBe(200_000);
      region.bytes[region.ringAt + 199_999] = 8;
      region.grow(CAPACITY * 2);
      expect(region.allocatedBytes).toBe(CAPACITY);
      expect([region.bytes[region.ringAt + FIRST - 1], region.bytes[region.ringAt + 199_999]]).toEqual([7, 8]);
      region.bytes[region.ringAt + CAPACITY - 1] = 9;
      region.close();
    });

    it("shows the same bytes through its view", () => {
      using root = tempDir();
      const region = fresh(root.path);
      region.view.setUint32(region.ringAt + 8, 0x04030201, true);
      expect([...region.bytes.subarray(region.ringAt + 8, region.ringAt + 12)]).toEqual([1, 2, 3, 4]);
      region.close();
    });

    it("can be synced, and closed twice", async () => {
      using root = tempDir();
      const region = fresh(root.path);
      region.bytes[region.ringAt] = 1;
      await region.sync();
      region.close();
      region.close();
    });

    it("leaves slices readable until the end of the turn in which it is closed", () => {
      using root = tempDir();
      const region = fresh(root.path);
      region.bytes[region.ringAt] = 42;
      const slice = region.bytes.subarray(region.ringAt, region.ringAt + 1);
      region.close();
      expect(slice[0]).toBe(42);
    });
  });
}

const arenas = new Arenas();

function mapped(path: string): MappedRegion {
  const region = new MappedRegion({
    file: newFile(join(path, "file"), arenas),
    capacityBytes: CAPACITY,
    allocatedBytes: 0,
    endOfTurn: (callback) => setImmediate(callback),
  });
  region.grow(FIRST);
  return region;
}

function newFile(path: string, itsArenas = arenas): NodeFile {
  return new NodeFile(openSync(path, "w+"), itsArenas);
}

regionContract("heap", () => new HeapRegion(CAPACITY, FIRST));
regionContract("mapped", mapped);
regionContract("file", inFile);

function inFile(path: string): FileRegion {
  const file = newFile(join(path, "file"));
  const region = new FileRegion({ file, capacityBytes: CAPACITY, allocatedBytes: 0, memory: { bytes: 0 } });
  region.grow(FIRST);
  return region;
}

describe("a file region", () => {
  it("brings to the file what it is told to, and nothing else", () => {
    using root = tempDir();
    const region = inFile(root.path);
    region.bytes.set([1, 2, 3, 4], region.ringAt);
    region.save(region.ringAt + 1, 2);
    const file = readFileSync(join(root.path, "file"));
    expect([...file.subarray(FILE_HEADER_BYTES, FILE_HEADER_BYTES + 4)]).toEqual([0, 2, 3, 0]);
    region.close();
  });

  it("has the file's bytes when it was populated, and tells when they can't be read", () => {
    using root = tempDir();
    const path = join(root.path, "file");
    inFile(root.path).close();
    writeFileSync(path, new Uint8Array(FILE_HEADER_BYTES + FIRST).fill(7));
    const options = { capacityBytes: CAPACITY, allocatedBytes: FIRST, memory: { bytes: 0 } };
    const region = new FileRegion({ ...options, file: new NodeFile(openSync(path, "r+")) });
    expect(region.populate()).toBe(true);
    expect([region.bytes[0], region.bytes[region.ringAt + FIRST - 1]]).toEqual([7, 7]);
    truncateSync(path, 100);
    expect(region.populate()).toBe(false);
    region.close();
  });

  it("counts the memory that it takes, and gives it back", () => {
    using root = tempDir();
    const memory = { bytes: 0 };
    const file = newFile(join(root.path, "file"));
    const region = new FileRegion({ file, capacityBytes: CAPACITY, allocatedBytes: 0, memory });
    region.grow(FIRST);
    expect(memory.bytes).toBe(region.bytes.length);
    region.close();
    expect(memory.bytes).toBe(0);
  });
});

describe("the choice of a region", () => {
  it("maps where the file system keeps its promises, unless it is told not to", () => {
    const disk = new NodeDisk();
    expect(disk.chooseRegion("/dev/shm", true)).toMatchObject({
      kind: "mapped",
      reason: expect.stringContaining("tmpfs") as string,
    });
    expect(disk.chooseRegion("/dev/shm", false).kind).toBe("file");
    expect(disk.chooseRegion("/proc", true)).toMatchObject({
      kind: "file",
      reason: expect.stringContaining("0x9fa0") as string,
    });
  });
});

describe("a mapped region", () => {
  it("is the file's own bytes", () => {
    using root = tempDir();
    const region = mapped(root.path);
    region.bytes.set([1, 2, 3], region.ringAt);
    expect([...readFileSync(join(root.path, "file")).subarray(FILE_HEADER_BYTES, FILE_HEADER_BYTES + 3)]).toEqual([
      1, 2, 3,
    ]);
    region.close();
  });

  it("tells whether all of its bytes can be touched, before they are", () => {
    using root = tempDir();
    const region = mapped(root.path);
    const file = join(root.path, "file");
    expect(region.populate()).toBe(true);
    truncateSync(file, FILE_HEADER_BYTES + FIRST - 4_096);
    expect(region.populate()).toBe(false);
    region.close();
  });

  it("is read through instead where the kernel can't tell", () => {
    using root = tempDir();
    mapped(root.path).close();
    const file = join(root.path, "file");
    const fd = openSync(file, "r");
    const { size } = fstatSync(fd);
    expect([canReadFile(fd, size), canReadFile(fd, size + 1)]).toEqual([true, false]);
    closeSync(fd);
  });

  it("shares one piece of memory with others, and gives its place back", async () => {
    using root = tempDir();
    const own = new Arenas();
    const make = (name: string): MappedRegion =>
      new MappedRegion({
        file: newFile(join(root.path, name), own),
        capacityBytes: CAPACITY,
        allocatedBytes: 0,
        endOfTurn: (callback) => setImmediate(callback),
      });
    const a = make("a");
    const b = make("b");
    expect(b.bytes.buffer).toBe(a.bytes.buffer);
    expect(b.headerAt).toBeGreaterThanOrEqual(a.ringAt + CAPACITY);
    const before = own.mappedBytes;
    a.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(own.mappedBytes).toBeLessThan(before);
    expect(make("c").headerAt).toBe(a.headerAt);
  });

  it("has a reservation of its own when it is larger than the common pieces", () => {
    using root = tempDir();
    const own = new Arenas();
    const options = { allocatedBytes: 0, endOfTurn: (callback: () => void) => setImmediate(callback) };
    const large = new MappedRegion({
      ...options,
      file: newFile(join(root.path, "a"), own),
      capacityBytes: 3 * 2 ** 30,
    });
    large.grow(65_536);
    large.bytes[large.ringAt + 65_535] = 5;
    expect(large.bytes.length).toBeGreaterThan(3 * 2 ** 30);
    large.close();
  });
});
