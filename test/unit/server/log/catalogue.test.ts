import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Catalogue, type CataloguedTopic } from "../../../../server/src/log/catalogue/catalogue.js";
import { LmdbTables } from "../../../../server/src/log/catalogue/lmdb-tables.js";
import { unwritable } from "../../../../server/src/log/catalogue/tables.js";
import { NodeDisk } from "../../../../server/src/log/disk/index.js";
import { copyAsKilled, SMALL } from "../../../support/log-store.js";
import { tempDir } from "../../../support/temp-dir.js";

const TOPIC: CataloguedTopic = {
  config: SMALL,
  partitions: [
    {
      lineage: [{ epoch: "e", first: 0 }],
      head: 5,
      tail: 2,
      headAddress: 400,
      tailAddress: 160,
      lastTimestamp: 7,
      bytes: 1_000,
    },
  ],
};

function open(path: string): Catalogue {
  mkdirSync(path, { recursive: true });
  return new Catalogue(new NodeDisk(), path);
}

/** What a catalogue has after `changes` and a death of the process, which the transaction of lmdb may not have reached. */
async function afterKill(changes: (catalogue: Catalogue) => void, damage?: (path: string) => void): Promise<Catalogue> {
  const root = tempDir();
  onTestFinished(() => root[Symbol.dispose]());
  const catalogue = open(join(root.path, "live"));
  changes(catalogue);
  const killed = join(root.path, "killed");
  copyAsKilled(join(root.path, "live"), killed);
  await catalogue.close();
  damage?.(killed);
  return open(killed);
}

describe("the catalogue", () => {
  it("has after a kill whatever was written, in the order it was written", async () => {
    const catalogue = await afterKill((live) => {
      live.putTopic("a", TOPIC);
      live.putTopic("b", TOPIC);
      live.markOpen("b", 0);
      live.deleteTopic("a", 1, { epochs: ["next"], deletedMs: 1 });
      live.putProducers("b", [{ id: "p\u0000\ud800", state: "[1]" }]);
      live.putTopic("c", { ...TOPIC, expiresMs: 50 });
      live.closeTopic("b", TOPIC);
    });
    expect([...catalogue.topicNames()]).toEqual(["b", "c"]);
    expect(catalogue.topic("b")).toEqual(TOPIC);
    expect(catalogue.topicCount).toBe(2);
    expect(catalogue.bytes).toBe(2_000);
    expect(catalogue.openLogs()).toEqual([]);
    expect(catalogue.doomed()).toEqual([{ name: "a", partitions: 1 }]);
    expect(catalogue.deletion("a")).toEqual({ epochs: ["next"], deletedMs: 1 });
    expect(catalogue.expiries(10)).toEqual([{ name: "c", expiresMs: 50 }]);
    expect([...catalogue.producers("b")].map(({ state }) => Buffer.from(state).toString())).toEqual(["[1]"]);
    await catalogue.close();
  });

  it("has after a kill what fits into many transactions", async () => {
    const catalogue = await afterKill((live) => {
      for (let i = 0; i < 1_000; i++) live.putTopic(`t${i}`, TOPIC);
      for (let i = 0; i < 1_000; i += 2) live.deleteTopic(`t${i}`, 1, { epochs: ["next"], deletedMs: 1 });
    });
    expect(catalogue.topicCount).toBe(500);
    expect(catalogue.bytes).toBe(500_000);
    expect([...catalogue.topicRows("t99")].map(({ name }) => name)).toEqual(["t991", "t993", "t995", "t997", "t999"]);
    await catalogue.close();
  });

  it("tells the truth before lmdb has it", async () => {
    using root = tempDir();
    const catalogue = open(root.path);
    catalogue.putTopic("a", TOPIC);
    expect([catalogue.topic("a"), catalogue.topicCount]).toEqual([TOPIC, 1]);
    catalogue.deleteTopic("a", 1, { epochs: ["next"], deletedMs: 1 });
    expect([catalogue.topic("a"), catalogue.topicCount]).toEqual([undefined, 0]);
    expect(catalogue.deletion("a")).toEqual({ epochs: ["next"], deletedMs: 1 });
    await catalogue.close();
  });

  it("lists its topics although lmdb can't be written", async () => {
    using root = tempDir();
    const catalogue = open(root.path);
    for (const name of ["a", "c", "e"]) catalogue.putTopic(name, TOPIC);
    catalogue.settle();
    const full = vi.spyOn(LmdbTables.prototype, "apply").mockImplementation(() => {
      throw unwritable(new Error("no room"));
    });
    for (const name of ["b", "c", "f", "\u{1f30d}", "\uffee"]) catalogue.putTopic(name, TOPIC);
    catalogue.deleteTopic("e", 1, { epochs: ["next"], deletedMs: 1 });
    const names = (after?: string): string[] => [...catalogue.topicRows(after)].map(({ name }) => name);
    const during = [names(), names("b")];
    full.mockRestore();
    expect(during).toEqual([names(), names("b")]);
    expect(names()).toEqual(["a", "b", "c", "f", "\uffee", "\u{1f30d}"]);
    await catalogue.close();
  });

  it.each([
    ["garbage", (path: string) => appendFileSync(path, Buffer.from([200, 0, 0, 0, 1, 2, 3]))],
    ["zeros", (path: string) => appendFileSync(path, Buffer.alloc(4_096))],
    [
      "an entry cut short",
      (path: string) => {
        const bytes = readFileSync(path);
        writeFileSync(path, Buffer.concat([bytes, bytes.subarray(0, 40)]));
      },
    ],
  ])("believes a journal up to %s", async (_, damage) => {
    const catalogue = await afterKill(
      (live) => {
        live.putTopic("a", TOPIC);
        live.putTopic("b", TOPIC);
      },
      (path) => damage(join(path, "journal.0")),
    );
    expect([...catalogue.topicNames()]).toEqual(["a", "b"]);
    catalogue.putTopic("c", TOPIC);
    expect(catalogue.topic("c")).toEqual(TOPIC);
    await catalogue.close();
  });

  it("uses its journal again when lmdb has what is in it on the device, and believes nothing that stood there before", async () => {
    const catalogue = await afterKill((live) => {
      for (let i = 0; i < 2_000; i++) live.putTopic("t", { ...TOPIC, expiresMs: i });
    });
    expect(catalogue.expiries(10)).toEqual([{ name: "t", expiresMs: 1_999 }]);
    await catalogue.close();
  });

  it("uses no more room for its journal than a group of changes needs, and none when it is closed", async () => {
    using root = tempDir();
    const catalogue = open(root.path);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 500; i++) catalogue.putTopic(`t${i}`, TOPIC);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const sizes = (): number[] => ["journal.0", "journal.1"].map((name) => statSync(join(root.path, name)).size);
    expect(Math.max(...sizes())).toBeLessThan(2_000_000);
    await catalogue.close();
    expect(sizes()).toEqual([0, 0]);
  });
});
