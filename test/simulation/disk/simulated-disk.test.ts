/** The model of the storage is judged here, so that it can judge the log. */
import { describe, expect, it } from "vitest";
import type { Disk, DiskFile } from "../../../server/src/log/disk/index.js";
import { randomOf } from "../../support/random.js";
import { type Crash, ProcessGone, SimulatedDisk } from "./simulated-disk.js";

const PAGE = 4_096;
const SECTOR = 512;
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

/** A disk whose asynchronous calls end when the test lets them. */
function diskOf(seed: number): { readonly machine: SimulatedDisk; readonly pass: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  const machine = new SimulatedDisk({
    random: randomOf(seed),
    setTimer: (_, callback) => void waiting.push(callback),
  });
  const pass = async (): Promise<void> => {
    for (const callback of waiting.splice(0)) callback();
    await Promise.resolve();
  };
  return { machine, pass };
}

function writeAll(file: DiskFile, bytes: Uint8Array, at = 0): void {
  for (let written = 0; written < bytes.length;)
    written += file.write(bytes, written, bytes.length - written, at + written);
}

function contentOf(disk: Disk, path: string): Uint8Array | undefined {
  const file = disk.open(path);
  if (file === undefined) return undefined;
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0, bytes.length, 0);
  return bytes;
}

/** Everything that the file can be after a power cut, by seed. */
function afterCuts(prepare: (disk: Disk) => void): (Uint8Array | undefined)[] {
  return SEEDS.map((seed) => {
    const { machine } = diskOf(seed);
    prepare(machine.start());
    machine.cutPower();
    return contentOf(machine.start(), "/f");
  });
}

/** A file of two pages whose name is on the device. */
function makeSynced(disk: Disk, fill: number): DiskFile {
  const file = disk.create("/f");
  writeAll(file, new Uint8Array(2 * PAGE).fill(fill));
  file.syncNow();
  disk.syncFolderNow("/");
  return file;
}

describe("a process that dies", () => {
  it("leaves what it had written, and its lock to the next one", () => {
    const { machine } = diskOf(1);
    const disk = machine.start();
    disk.lock("/");
    writeAll(disk.create("/f"), Uint8Array.of(1, 2, 3));
    expect(() => disk.lock("/")).toThrow("in use");
    const { bootId } = machine;
    machine.kill();
    expect(machine.bootId).toBe(bootId);
    expect(() => disk.open("/f")).toThrow(ProcessGone);
    const next = machine.start();
    next.lock("/");
    expect(contentOf(next, "/f")).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("has its mapped memory as the page cache as long as it lives, and not an instant longer", () => {
    const { machine } = diskOf(1);
    const disk = machine.start();
    const file = disk.create("/f");
    file.allocate(0, PAGE);
    const mapping = file.map(4 * PAGE);
    mapping.bytes[mapping.at] = 7;
    expect(contentOf(disk, "/f")?.[0]).toBe(7);
    machine.kill();
    mapping.bytes[mapping.at] = 8;
    expect(contentOf(machine.start(), "/f")?.[0]).toBe(7);
  });

  it("would have died of a store beyond the end of a mapped file", () => {
    const { machine } = diskOf(1);
    const file = machine.start().create("/f");
    file.allocate(0, PAGE);
    const mapping = file.map(4 * PAGE);
    mapping.bytes[mapping.at + PAGE] = 1;
    expect(() => machine.kill()).toThrow("beyond its end");
  });

  it("hears nothing of the syncs that it had begun", async () => {
    const { machine, pass } = diskOf(1);
    let hasHeard = false;
    const file = machine.start().create("/f");
    void file.sync().then(() => (hasHeard = true));
    machine.kill();
    await pass();
    expect(hasHeard).toBe(false);
  });
});

describe("a power cut", () => {
  it("leaves what was synced, and changes the boot's identity", () => {
    const { machine } = diskOf(1);
    const { bootId } = machine;
    const whole = Buffer.alloc(2 * PAGE, 5);
    for (const bytes of afterCuts((disk) => void makeSynced(disk, 5)))
      expect(whole.equals(bytes ?? new Uint8Array())).toBe(true);
    machine.cutPower();
    expect(machine.bootId).not.toBe(bootId);
  });

  it("leaves of each page that wasn't synced the old bytes, the new ones, or of each sector either", () => {
    const seen = new Set<string>();
    const change = (disk: Disk): void => writeAll(makeSynced(disk, 5), new Uint8Array(PAGE).fill(6), PAGE);
    for (const bytes of afterCuts(change)) {
      expect(bytes?.subarray(0, PAGE).every((byte) => byte === 5)).toBe(true);
      const sectors = Array.from({ length: PAGE / SECTOR }, (_, i) =>
        bytes?.subarray(PAGE + i * SECTOR, PAGE + (i + 1) * SECTOR),
      );
      for (const sector of sectors) expect(new Set(sector).size).toBe(1);
      const values = new Set(sectors.map((sector) => sector?.[0]));
      seen.add(values.size === 2 ? "torn" : values.has(6) ? "new" : "old");
    }
    expect([...seen].sort()).toEqual(["new", "old", "torn"]);
  });

  it("leaves a file of its whole length with zeros in it, a shorter one, or none", () => {
    const seen = new Set<string>();
    const prepare = (disk: Disk): void => {
      const file = disk.create("/f");
      if (disk.bootId() < "8") disk.syncFolderNow("/");
      writeAll(file, new Uint8Array(PAGE).fill(6));
    };
    for (const bytes of afterCuts(prepare)) {
      if (bytes === undefined) seen.add("no file");
      else if (bytes.length === 0) seen.add("empty");
      else if (bytes.length === PAGE && bytes.every((byte) => byte === 0)) seen.add("zeros");
      else if (bytes.length === PAGE && bytes.every((byte) => byte === 6)) seen.add("whole");
    }
    expect([...seen].sort()).toEqual(["empty", "no file", "whole", "zeros"]);
  });

  it("takes back names that weren't synced, those that came last first", () => {
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const { machine } = diskOf(seed);
      const disk = machine.start();
      makeSynced(disk, 1).close();
      disk.rename("/f", "/g");
      disk.create("/h");
      machine.cutPower();
      seen.add(machine.names.paths().sort().join());
    }
    expect([...seen].sort()).toEqual(["/f", "/g", "/g,/h"]);
  });

  it("goes back to a commit of the catalogue that is not older than the last one flushed", async () => {
    const seen = new Set<number>();
    for (const seed of SEEDS) {
      const { machine, pass } = diskOf(seed);
      const tables = machine.start().openTables("/c");
      for (const settled of [1, 2]) tables.apply([], settled);
      const flushed = tables.flush();
      tables.apply([], 3);
      await pass();
      await flushed;
      tables.apply([], 4);
      machine.cutPower();
      seen.add(machine.start().openTables("/c").settled);
    }
    expect([...seen].sort()).toEqual([2, 3, 4]);
  });

  it("does the same to everything with the same seed", () => {
    const run = (): string => {
      const { machine } = diskOf(9);
      const disk = machine.start();
      for (const name of ["/a", "/b", "/c"]) writeAll(disk.create(name), new Uint8Array(3 * PAGE).fill(3), 100);
      machine.cutPower();
      const next = machine.start();
      return JSON.stringify(machine.names.paths().map((path) => [path, [...(contentOf(next, path) ?? [])]]));
    };
    expect(run()).toBe(run());
  });
});

describe("a sync", () => {
  it("that fails says so once, and the device has nothing of it whatever later ones say", () => {
    const { machine } = diskOf(3);
    const disk = machine.start();
    const file = disk.create("/f");
    disk.syncFolderNow("/");
    writeAll(file, new Uint8Array(PAGE).fill(6));
    machine.failSyncs = 1;
    expect(() => file.syncNow()).toThrow("EIO");
    file.syncNow();
    writeAll(file, new Uint8Array(PAGE).fill(7));
    file.syncNow();
    expect(contentOf(disk, "/f")?.[0]).toBe(7);
    machine.cutPower();
    expect(contentOf(machine.start(), "/f")?.every((byte) => byte === 0)).toBe(true);
  });

  it("brings what was written before it began, not what came while it was under way", async () => {
    const outcomes = new Set<number>();
    for (const seed of SEEDS) {
      const { machine, pass } = diskOf(seed);
      const disk = machine.start();
      const file = makeSynced(disk, 1);
      writeAll(file, Uint8Array.of(2));
      const synced = file.sync();
      writeAll(file, Uint8Array.of(3));
      await pass();
      await synced;
      machine.cutPower();
      outcomes.add(contentOf(machine.start(), "/f")?.[0] ?? -1);
    }
    expect([...outcomes].sort()).toEqual([2, 3]);
  });
});

describe("a full disk", () => {
  it("refuses blocks that a file doesn't have, and takes bytes for those that it has", () => {
    const { machine } = diskOf(1);
    const disk = machine.start();
    const file = disk.create("/f");
    file.allocate(0, PAGE);
    machine.isFull = true;
    expect(() => file.allocate(PAGE, PAGE)).toThrow("ENOSPC");
    expect(() => disk.create("/g")).toThrow("ENOSPC");
    expect(file.write(new Uint8Array(2 * PAGE), 0, 2 * PAGE, 0)).toBe(PAGE);
    expect(() => file.write(new Uint8Array(1), 0, 1, PAGE)).toThrow("ENOSPC");
    machine.isFull = false;
    file.allocate(PAGE, PAGE);
  });
});

describe("a crash at an operation", () => {
  it.each<[Crash["how"], boolean, number | undefined]>([
    ["kill", false, undefined],
    ["kill", true, PAGE],
  ])("by %s, in its middle: %s, comes before it, or behind some of its pages", (how, isTorn, most) => {
    const lengths = new Set<number>();
    for (const seed of SEEDS) {
      const { machine } = diskOf(seed);
      const disk = machine.start();
      const file = disk.create("/f");
      machine.crash = { at: machine.operations, how, isTorn };
      expect(() => file.write(new Uint8Array(PAGE + 10).fill(1), 0, PAGE + 10, 0)).toThrow(ProcessGone);
      expect(machine.isDown).toBe(true);
      lengths.add(contentOf(machine.start(), "/f")?.length ?? -1);
    }
    expect([...lengths].sort()).toEqual(most === undefined ? [0] : [0, most]);
  });
});
