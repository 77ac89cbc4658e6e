import { execFileSync } from "node:child_process";
import type Fs from "node:fs";
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FILE_HEADER_BYTES } from "../../../server/src/log/file-header.js";
import type { RingLog } from "../../../server/src/log/index.js";
import {
  append,
  firstLog,
  inEachRegion,
  message,
  onlyLogFile,
  openStore,
  readAll,
  SMALL,
  type TestStore,
} from "../../support/log-store.js";
import { tempDir } from "../../support/temp-dir.js";
import { openFilled } from "./stores.js";

/** A broken disk can't be had here: this one fails to sync while `isBroken`, and keeps everybody waiting while `isSlow`. */
const disk = vi.hoisted(() => ({ isBroken: false, isSlow: false, failures: 0, waiting: [] as (() => void)[] }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof Fs>();
  const fdatasync: (fd: number, done: (error: Error | null) => void) => void = (fd, done) => {
    if (disk.isSlow) {
      disk.waiting.push(() => fs.fdatasync(fd, done));
    } else if (disk.isBroken) {
      disk.failures++;
      done(Object.assign(new Error("i/o error"), { code: "EIO" }));
    } else {
      fs.fdatasync(fd, done);
    }
  };
  return { ...fs, fdatasync };
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: a full disk needs root for a small tmpfs");

afterEach(() => {
  Object.assign(disk, { isBroken: false, isSlow: false, failures: 0, waiting: [] });
});

/** A log with `records` of 24 bytes of which none could be synced. */
async function latched(directory: string, records: number): Promise<TestStore & { readonly log: RingLog }> {
  const opened = await openFilled(directory, records);
  disk.isBroken = true;
  await expect(opened.log.synced()).rejects.toMatchObject({ code: "unavailable", details: { stored: "no" } });
  return opened;
}

describe("a latched log that is mapped", () => {
  it("tells which records the page cache has lost meanwhile", async () => {
    using root = tempDir();
    const { store, log, events } = await latched(root.path, 30);
    const fd = openSync(onlyLogFile(root.path), "r+");
    writeSync(fd, new Uint8Array(2 * 72), 0, 2 * 72, FILE_HEADER_BYTES + 11 * 72);
    closeSync(fd);
    disk.isBroken = false;
    await vi.waitUntil(() => log.failure === undefined);
    expect(events.slice(1)).toMatchObject([{ type: "corrupt", from: 11, to: 12 }, { type: "healthy" }]);
    append(log, [message("goes on")]);
    await log.synced();
    expect(readAll(log)).toMatchObject({ holes: [{ from: 11, to: 12 }] });
    expect(log.head).toBe(31);
    await store.close();
  });
});

inEachRegion(() => {
  describe("a log on a full disk", () => {
    it.skipIf(!isRoot)("refuses appends, goes on reading, and recovers when there is room", async () => {
      using root = tempDir();
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", root.path]);
      try {
        const { store, events } = await openStore(join(root.path, "data"));
        writeFileSync(join(root.path, "ballast"), new Uint8Array(700_000));
        const log = firstLog(store.createTopic("t", { ...SMALL, capacityBytes: 2 ** 24 }));
        let stored = 0;
        const fill = (): void => {
          for (;;) {
            append(log, [message(`${stored} `.padEnd(4_000, "x"))]);
            stored++;
          }
        };
        expect(fill).toThrow(expect.objectContaining({ code: "unavailable", details: { stored: "no" } }));
        expect(events).toMatchObject([{ type: "failed", topic: "t" }]);
        expect(log.failure).toBeDefined();
        expect(readAll(log).seen).toHaveLength(stored);
        rmSync(join(root.path, "ballast"));
        append(log, [message("again")]);
        expect(log.failure).toBeUndefined();
        expect(events.at(-1)).toMatchObject({ type: "healthy" });
        expect(readAll(log).seen).toHaveLength(stored + 1);
        await store.close();
      } finally {
        execFileSync("umount", ["-l", root.path]);
      }
    });
  });

  describe("a log whose sync failed", () => {
    it("acknowledges no sync and takes no record until it was opened again, and loses none", async () => {
      using root = tempDir();
      const { store, events } = await openStore(root.path, { syncIntervalMs: 3_600_000, healIntervalMs: 3_600_000 });
      const log = firstLog(store.createTopic("t", SMALL));
      append(log, [message("first")]);
      disk.isBroken = true;
      await expect(log.synced()).rejects.toMatchObject({ code: "unavailable" });
      disk.isBroken = false;
      await expect(log.synced()).rejects.toMatchObject({ code: "unavailable" });
      expect(() => append(log, [message("second")])).toThrow(expect.objectContaining({ code: "unavailable" }));
      expect(events).toMatchObject([{ type: "failed", topic: "t", partition: 0 }]);
      expect(readAll(log).seen).toMatchObject([{ data: "first" }]);
      await store.close();
      const after = await openStore(root.path, { healIntervalMs: 5 });
      const again = firstLog(after.store.topic("t"));
      await vi.waitUntil(() => again.failure === undefined);
      expect(after.events).toMatchObject([
        { type: "recovered", records: 1, newEpoch: undefined },
        { type: "failed" },
        { type: "healthy" },
      ]);
      append(again, [message("second")]);
      await again.synced();
      expect(readAll(again).seen).toMatchObject([{ data: "first" }, { data: "second" }]);
      await after.store.close();
    });
  });

  describe("a latched log", () => {
    it("is taken up again by itself as soon as the device works", async () => {
      using root = tempDir();
      const { store, log, events } = await latched(root.path, 3);
      await vi.waitUntil(() => disk.failures >= 3);
      expect(() => append(log, [message("refused")])).toThrow(expect.objectContaining({ code: "unavailable" }));
      expect(events).toMatchObject([{ type: "failed" }]);
      disk.isBroken = false;
      await vi.waitUntil(() => log.failure === undefined);
      expect(events).toMatchObject([{ type: "failed" }, { type: "healthy", topic: "t", partition: 0 }]);
      append(log, [message("taken")]);
      await log.synced();
      expect(readAll(log).seen.map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
      await store.close();
      const after = await openStore(root.path);
      expect(after.events).toEqual([]);
      expect(readAll(firstLog(after.store.topic("t"))).seen).toHaveLength(4);
      await after.store.close();
    });

    it("acknowledges nothing before the device has everything", async () => {
      using root = tempDir();
      const { store, log } = await latched(root.path, 3);
      Object.assign(disk, { isBroken: false, isSlow: true });
      for (;;) {
        await vi.waitUntil(() => disk.waiting.length > 0 || log.failure === undefined);
        const write = disk.waiting.shift();
        if (write === undefined) break;
        await expect(log.synced()).rejects.toMatchObject({ code: "unavailable" });
        expect(() => append(log, [message("too early")])).toThrow(expect.objectContaining({ code: "unavailable" }));
        write();
      }
      disk.isSlow = false;
      await log.synced();
      expect(log.head).toBe(3);
      await store.close();
    });

    it("can be closed while the device fails, and is verified at the next start", async () => {
      using root = tempDir();
      const { store } = await latched(root.path, 3);
      await vi.waitUntil(() => disk.failures >= 2);
      await store.close();
      disk.isBroken = false;
      const after = await openStore(root.path);
      expect(after.events).toMatchObject([{ type: "recovered", records: 3, newEpoch: undefined }, { type: "failed" }]);
      expect(readAll(firstLog(after.store.topic("t"))).seen).toHaveLength(3);
      await after.store.close();
    });

    it("can be deleted while it is being written anew", async () => {
      using root = tempDir();
      const { store, events } = await latched(root.path, 3);
      Object.assign(disk, { isBroken: false, isSlow: true });
      await vi.waitUntil(() => disk.waiting.length > 0);
      store.deleteTopic("t");
      disk.isSlow = false;
      for (const go of disk.waiting.splice(0)) go();
      await store.close();
      expect(events).toMatchObject([{ type: "failed" }]);
    });
  });

  describe("background syncs", () => {
    it("sync every log that was written to", async () => {
      using root = tempDir();
      mkdirSync(join(root.path, "data"));
      const { store, events } = await openStore(join(root.path, "data"), { syncIntervalMs: 5 });
      append(firstLog(store.createTopic("t", SMALL)), [message("x")]);
      await vi.waitFor(() => {
        expect(events).toMatchObject([{ type: "synced" }]);
      });
      await store.close();
    });
  });
});
