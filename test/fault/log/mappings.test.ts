/** A process that has all the mappings that the system gives it (vm.max_map_count). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Arenas } from "../../../server/src/log/disk/arenas.js";
import { createLogFile } from "../../../server/src/log/disk/log-file.js";
import { tempDir, type TempDir } from "../../support/temp-dir.js";

const PAGE_BYTES = 4_096;
const SLOT_BYTES = 65_536;
const PROT_NONE = 0;
const PROT_READ = 1;
const PRIVATE_AND_ANONYMOUS = 0x22;
const FAILED = 0xffff_ffff_ffff_ffffn;

const libc = koffi.load(null);
const mmap = libc.func(
  "void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset)",
) as unknown as (...args: readonly (bigint | number | null)[]) => bigint;
const mprotect = libc.func("int mprotect(void *addr, size_t length, int prot)") as unknown as (
  ...args: readonly (bigint | number)[]
) => number;
const munmap = libc.func("int munmap(void *addr, size_t length)") as unknown as (
  address: bigint,
  length: number,
) => number;

/** All the mappings that are left: pages with rights that alternate, which the kernel can't join. */
class TakenMappings implements Disposable {
  readonly #length: number;
  readonly #address: bigint;

  constructor() {
    const most = Number(readFileSync("/proc/sys/vm/max_map_count", "utf8"));
    this.#length = most * PAGE_BYTES;
    this.#address = mmap(null, this.#length, PROT_NONE, PRIVATE_AND_ANONYMOUS, -1, 0);
    for (let page = 1n; page < most; page += 2n)
      if (mprotect(this.#address + page * BigInt(PAGE_BYTES), PAGE_BYTES, PROT_READ) !== 0) break;
    // And the last ones, of which a page in between would have taken two.
    while (BigInt.asUintN(64, mmap(null, PAGE_BYTES, PROT_READ, PRIVATE_AND_ANONYMOUS, -1, 0)) !== FAILED);
  }

  [Symbol.dispose](): void {
    munmap(this.#address, this.#length);
  }
}

let root: TempDir;
beforeEach(() => {
  root = tempDir();
});
afterEach(() => root[Symbol.dispose]());

describe("a process without a mapping left", () => {
  it("is refused a new one, can let go of one that it has, and has room for another then", () => {
    const arenas = new Arenas();
    const [first, second] = ["first", "second"].map((name) => createLogFile(join(root.path, name))) as [number, number];
    // Between others, so that the kernel can't join what is let go with what is free already.
    const slots = Array.from({ length: 3 }, () => arenas.map(first, SLOT_BYTES));
    using taken = new TakenMappings();

    expect(() => arenas.map(second, SLOT_BYTES)).toThrow(expect.objectContaining({ code: "ENOMEM" }));
    expect(() => slots.forEach((slot) => arenas.unmap(slot))).not.toThrow();

    expect(arenas.mappedBytes).toBe(0);
    const slot = arenas.map(second, SLOT_BYTES);
    arenas.unmap(slot);
    expect(taken).toBeDefined();
  });
});
