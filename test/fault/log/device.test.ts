/** Files and devices that fail under a mapping: what the kernel answers with SIGBUS, or with an error of a sync. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { FILE_HEADER_BYTES } from "../../../server/src/log/file-header.js";
import type { RingLog } from "../../../server/src/log/index.js";
import { append, firstLog, message, openStore, readAll, SMALL } from "../../support/log-store.js";
import { tempDir, type TempDir } from "../../support/temp-dir.js";
import { appenderProgram } from "./appender-program.js";

const MIB = 2 ** 20;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: a failing device needs root for a loop device");

/** Mounts of one test, undone at its end. */
class Mounts implements Disposable {
  readonly #paths: string[] = [];

  add(what: string, where: string, ...options: readonly string[]): void {
    mkdirSync(where, { recursive: true });
    execFileSync("mount", [...options, what, where]);
    this.#paths.push(where);
  }

  /** Unmounts, as soon as nobody uses it: mapped memory is let go at the end of a turn. */
  async remove(where: string): Promise<void> {
    await vi.waitFor(() => execFileSync("umount", [where], { stdio: "pipe" }), { timeout: 5_000 });
    this.#paths.splice(this.#paths.indexOf(where), 1);
  }

  [Symbol.dispose](): void {
    for (const path of this.#paths.reverse()) execFileSync("umount", ["-l", path]);
  }
}

/** An ext4 file system in a file that has no blocks yet. */
function makeImage(path: string, bytes: number): void {
  writeFileSync(path, "");
  truncateSync(path, bytes);
  execFileSync("mkfs.ext4", ["-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=0", path]);
}

/** Number of the last block on its device that a file has written to. */
function lastBlockOf(path: string): number {
  const rows = execFileSync("filefrag", ["-v", "-b4096", path], { encoding: "utf8" }).split("\n");
  const written = rows.filter((row) => !row.includes("unwritten"));
  const ends = written.map((row) => /^\s*\d+:\s+\d+\.\.\s*\d+:\s+\d+\.\.\s*(\d+):/.exec(row)?.[1]);
  return Math.max(...ends.map((end) => Number(end ?? 0)));
}

function appendBytes(log: RingLog, bytes: number): void {
  for (let left = bytes; left > 0; left -= 4_048) append(log, [message("x".repeat(4_000))]);
}

/** Appends in another process until it dies of the damage done to its files. @returns the signal */
async function appendAndDamage(root: TempDir, damage: () => void): Promise<unknown> {
  using program = await appenderProgram();
  const child = spawn(process.execPath, [program.path, root.path, "0", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  let told = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    const before = told;
    told += chunk.length;
    if (before < 10_000 && told >= 10_000) damage();
  });
  const [, signal] = (await exit) as [number | null, string | null];
  return signal;
}

describe("a file that is cut under a running process", () => {
  it("kills it, and the next one announces what is gone and goes on", async () => {
    using root = tempDir();
    const file = join(root.path, "logs", "t.t.0.ring");
    expect(await appendAndDamage(root, () => truncateSync(file, FILE_HEADER_BYTES + 4_096))).toBe("SIGBUS");
    const { store, events } = await openStore(root.path);
    expect(events).toContainEqual(expect.objectContaining({ type: "corrupt", topic: "t", partition: 0 }));
    expect(events.filter(({ type }) => type === "set-aside")).toEqual([]);
    for (const log of store.topic("t")?.partitions ?? []) {
      expect(readAll(log).holes.length > 0).toBe(log.partition === 0);
      const { head } = log;
      append(log, [message("goes on")]);
      expect(readAll(log, head).seen).toMatchObject([{ offset: head, data: "goes on" }]);
    }
    await store.close();
  });

  it("is set aside by the next one when not even its header is left", async () => {
    using root = tempDir();
    const file = join(root.path, "logs", "t.t.0.ring");
    expect(await appendAndDamage(root, () => truncateSync(file, 100))).toBe("SIGBUS");
    const { store, events } = await openStore(root.path);
    expect(events.filter(({ type }) => type === "set-aside")).toMatchObject([{ topic: "t", partition: 0 }]);
    expect(store.topic("t")?.partitions.map((log) => readAll(log).holes)).toEqual([[], []]);
    expect(store.topic("t")?.partitions[0]?.head).toBe(0);
    await store.close();
  });
});

describe.skipIf(!isRoot)("a device that can't read a part of a log", () => {
  it("has that log set aside before anything dies of it, and the rest serves", async () => {
    using root = tempDir();
    using mounts = new Mounts();
    const image = join(root.path, "image");
    const disk = join(root.path, "disk");
    makeImage(image, 32 * MIB);
    mounts.add(image, disk, "-o", "loop");
    const data = join(disk, "data");
    const config = { ...SMALL, capacityBytes: 4 * MIB };
    const { store } = await openStore(data);
    for (const name of ["first", "second"]) appendBytes(firstLog(store.createTopic(name, config)), 2 * MIB);
    await store.close();
    // ext4 may write zeros behind the last record, up to 32 KiB of them: nobody would miss those.
    const cut = lastBlockOf(join(data, "logs", "t.second.0.ring")) - 16;
    // Forgets what is cached.
    await mounts.remove(disk);
    mounts.add(image, disk, "-o", "loop");
    truncateSync(image, cut * 4_096);
    const { store: after, events } = await openStore(data);
    const second = firstLog(after.topic("second"));
    expect(readAll(firstLog(after.topic("first"))).holes).toEqual([]);
    expect(readAll(second)).toEqual({ seen: [], holes: [] });
    append(second, [message("anew")]);
    expect(events).toMatchObject([{ type: "set-aside", topic: "second" }]);
    expect(readAll(second).seen).toMatchObject([{ offset: 0, data: "anew" }]);
    await after.close();
  });
});

describe.skipIf(!isRoot)("a device that can't write", () => {
  it("latches the log until it can again, and loses nothing of it", async () => {
    using root = tempDir();
    using mounts = new Mounts();
    const below = join(root.path, "below");
    const disk = join(root.path, "disk");
    mounts.add("tmpfs", below, "-t", "tmpfs", "-o", "size=24m");
    makeImage(join(below, "image"), 64 * MIB);
    mounts.add(join(below, "image"), disk, "-o", "loop");
    const data = join(disk, "data");
    const { store, events } = await openStore(data, { syncIntervalMs: 3_600_000, healIntervalMs: 20 });
    const log = firstLog(store.createTopic("t", { ...SMALL, capacityBytes: 16 * MIB }));
    appendBytes(log, MIB);
    await log.synced();
    expect(() => writeFileSync(join(below, "ballast"), new Uint8Array(32 * MIB))).toThrow("ENOSPC");
    appendBytes(log, 2 * MIB);
    await expect(log.synced()).rejects.toMatchObject({ code: "unavailable" });
    expect(() => append(log, [message("refused")])).toThrow(expect.objectContaining({ code: "unavailable" }));
    rmSync(join(below, "ballast"));
    await vi.waitUntil(() => log.failure === undefined, { timeout: 10_000 });
    expect(events.filter(({ type }) => type !== "synced")).toMatchObject([{ type: "failed" }, { type: "healthy" }]);
    append(log, [message("taken")]);
    await log.synced();
    const { head } = log;
    await store.close();
    // What is read now comes from the device.
    await mounts.remove(disk);
    mounts.add(join(below, "image"), disk, "-o", "loop");
    const after = await openStore(data);
    const { seen, holes } = readAll(firstLog(after.store.topic("t")));
    expect([seen.length, holes, after.events]).toEqual([head, [], []]);
    await after.store.close();
  });
});
