import { execFileSync } from "node:child_process";
import type Fs from "node:fs";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { append, firstLog, message, openStore, readAll, SMALL } from "../../support/log-store.js";
import { tempDir } from "../../support/temp-dir.js";

/** A broken disk can't be had here: this one fails to sync while `isBroken`. */
const disk = vi.hoisted(() => ({ isBroken: false }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof Fs>();
  const fdatasync: (fd: number, done: (error: Error | null) => void) => void = (fd, done) => {
    if (disk.isBroken) done(Object.assign(new Error("i/o error"), { code: "EIO" }));
    else fs.fdatasync(fd, done);
  };
  return { ...fs, fdatasync };
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: a full disk needs root for a small tmpfs");

afterEach(() => {
  disk.isBroken = false;
});

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
    const { store, events } = await openStore(root.path, { syncIntervalMs: 3_600_000 });
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
    const after = await openStore(root.path);
    const again = firstLog(after.store.topic("t"));
    expect(after.events).toMatchObject([{ type: "recovered", records: 1, newEpoch: undefined }]);
    append(again, [message("second")]);
    await again.synced();
    expect(readAll(again).seen).toMatchObject([{ data: "first" }, { data: "second" }]);
    await after.store.close();
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
