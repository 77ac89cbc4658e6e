import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RingLog } from "../../../../server/src/log/index.js";
import { append, copyAsKilled, firstLog, message, openStore, readAll, SMALL } from "../../../support/log-store.js";
import { tempDir } from "../../../support/temp-dir.js";

const LINEAGE = [
  { epoch: "old", first: 0 },
  { epoch: "young", first: 900 },
];

function appendIn(log: RingLog, epoch: string, data: string): void {
  log.append([message(data)], { epoch, firstOffset: log.head, timestamp: 5_000 });
}

describe("a log that is restored", () => {
  it.each(["file", "memory"] as const)("begins where it is told, in a %s", async (storage) => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    const log = firstLog(store.createTopic("t", { ...SMALL, storage }));
    log.beginAt(1_000, LINEAGE);
    expect([log.tail, log.head, log.epoch]).toEqual([1_000, 1_000, "young"]);
    append(log, [message("first"), message("second")]);
    expect(readAll(log).seen).toMatchObject([
      { offset: 1_000, epoch: "young", data: "first" },
      { offset: 1_001, epoch: "young", data: "second" },
    ]);
    await store.close();
  });

  it("goes on there after a kill, before and after its first record", async () => {
    using root = tempDir();
    const paths = ["live", "before", "after"].map((name) => join(root.path, name)) as [string, string, string];
    const { store } = await openStore(paths[0]);
    const log = firstLog(store.createTopic("t", SMALL));
    log.beginAt(1_000, LINEAGE);
    copyAsKilled(paths[0], paths[1]);
    append(log, [message("first")]);
    copyAsKilled(paths[0], paths[2]);
    await store.close();
    for (const [i, path] of paths.entries()) {
      const again = await openStore(path);
      const reopened = firstLog(again.store.topic("t"));
      expect(reopened.lineage).toEqual(LINEAGE);
      expect([reopened.tail, reopened.head]).toEqual([1_000, i === 1 ? 1_000 : 1_001]);
      append(reopened, [message("next")]);
      expect(readAll(reopened).holes).toEqual([]);
      expect(readAll(reopened).seen.at(-1)).toMatchObject({ epoch: "young", data: "next" });
      await again.store.close();
    }
  });

  it("may be told again as long as nothing was appended, also when a refused batch has left a file", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    const log = firstLog(store.createTopic("t", SMALL));
    expect(() => append(log, [message("x".repeat(60_000))])).toThrow(expect.objectContaining({ code: "too_large" }));
    log.beginAt(1_000, LINEAGE);
    log.beginAt(1_000, LINEAGE);
    append(log, [message("first")]);
    await store.close();
    const again = await openStore(root.path);
    expect(readAll(firstLog(again.store.topic("t"))).seen).toMatchObject([{ offset: 1_000, epoch: "young" }]);
    await again.store.close();
  });

  it("takes the epochs that follow, by name or with their first record, and keeps them over a kill", async () => {
    using root = tempDir();
    const live = join(root.path, "live");
    const { store } = await openStore(live);
    const log = firstLog(store.createTopic("t", SMALL));
    log.beginAt(1_000, LINEAGE);
    append(log, [message("a")]);
    appendIn(log, "third", "b");
    const longer = [...log.lineage, { epoch: "empty", first: 1_002 }, { epoch: "fifth", first: 1_002 }];
    log.beginAt(1_002, longer);
    append(log, [message("c")]);
    const expected = [
      { offset: 1_000, epoch: "young", data: "a" },
      { offset: 1_001, epoch: "third", data: "b" },
      { offset: 1_002, epoch: "fifth", data: "c" },
    ];
    expect(readAll(log).seen).toMatchObject(expected);
    copyAsKilled(live, join(root.path, "killed"));
    await store.close();
    const killed = await openStore(join(root.path, "killed"));
    expect(firstLog(killed.store.topic("t")).lineage).toEqual(longer);
    expect(readAll(firstLog(killed.store.topic("t"))).seen).toMatchObject(expected);
    await killed.store.close();
  });

  it("forgets the oldest of more than 64 epochs, with its records", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    const log = firstLog(store.createTopic("t", SMALL));
    for (let i = 0; i < 70; i++) appendIn(log, `e${i}`, String(i));
    expect(log.lineage).toHaveLength(64);
    expect(readAll(log).seen.map(({ data }) => Number(data))).toEqual(Array.from({ length: 64 }, (_, i) => i + 6));
    await store.close();
  });

  it("refuses another place than where it stands, and epochs that can't be", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    const log = firstLog(store.createTopic("t", SMALL));
    const conflict = expect.objectContaining({ code: "conflict", details: { head: log.head } }) as Error;
    expect(() => log.beginAt(800, LINEAGE)).toThrow(conflict);
    expect(() => log.beginAt(1_000, [])).toThrow(conflict);
    expect(() => log.beginAt(1_000, [{ epoch: "", first: 0 }])).toThrow(conflict);
    expect(() => log.beginAt(1_000, [...LINEAGE].reverse())).toThrow(conflict);
    append(log, [message("x")]);
    expect(() => log.beginAt(1_000, LINEAGE)).toThrow(expect.objectContaining({ details: { head: 1 } }));
    expect(() => appendIn(log, "x".repeat(33), "y")).toThrow(expect.objectContaining({ code: "unavailable" }));
    await store.close();
  });
});
