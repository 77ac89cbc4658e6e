import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { append, copyAsKilled, firstLog, message, openStore, readAll, SMALL } from "../../../support/log-store.js";
import { tempDir } from "../../../support/temp-dir.js";

const LARGE = { ...SMALL, capacityBytes: 2 ** 20 };

function data(offset: number): string {
  return `${offset} `.padEnd(100 + (offset % 50), "x");
}

for (const storage of ["file", "memory"] as const) {
  describe(`a new capacity of a ${storage} topic`, () => {
    it("keeps every record when it is larger, and holds more from then on", async () => {
      using root = tempDir();
      const { store } = await openStore(root.path);
      const log = firstLog(store.createTopic("t", { ...SMALL, storage }));
      for (let offset = 0; offset < 1_000; offset++) append(log, [message(data(offset))]);
      const { tail } = log;
      store.configureTopic("t", { ...LARGE, storage });
      for (let offset = 1_000; offset < 1_010; offset++) append(log, [message(data(offset))]);
      await vi.waitFor(() => {
        expect(log.capacityBytes).toBe(2 ** 20);
      });
      expect(log.tail).toBeLessThanOrEqual(tail + 40);
      for (let offset = 1_010; offset < 3_000; offset++) append(log, [message(data(offset))]);
      const { seen, holes } = readAll(log);
      expect(holes).toEqual([]);
      expect(seen.map((one) => one.data)).toEqual(
        Array.from({ length: 3_000 - log.tail }, (_, i) => data(log.tail + i)),
      );
      expect(log.tail).toBeLessThanOrEqual(tail + 40);
      expect(log.lineage).toHaveLength(1);
      await store.close();
    });

    it("keeps the newest records when it is smaller", async () => {
      using root = tempDir();
      const { store } = await openStore(root.path);
      const log = firstLog(store.createTopic("t", { ...LARGE, storage }));
      for (let offset = 0; offset < 3_000; offset++) append(log, [message(data(offset))]);
      store.configureTopic("t", { ...SMALL, storage });
      await vi.waitFor(() => {
        expect(log.capacityBytes).toBe(65_536);
      });
      const { seen, holes } = readAll(log);
      expect(holes).toEqual([]);
      expect(seen.length).toBeGreaterThan(250);
      expect(seen.map((one) => one.data)).toEqual(
        Array.from({ length: 3_000 - log.tail }, (_, i) => data(log.tail + i)),
      );
      await store.close();
    });
  });
}

describe("a new capacity", () => {
  it("leaves no log open of which the next process doesn't know", async () => {
    using root = tempDir();
    const live = join(root.path, "live");
    const first = await openStore(live);
    const before = firstLog(first.store.createTopic("t", SMALL));
    for (let offset = 0; offset < 10; offset++) append(before, [message(data(offset))]);
    await first.store.close();
    const { store } = await openStore(live, { syncIntervalMs: 3_600_000 });
    const log = firstLog(store.topic("t"));
    store.configureTopic("t", LARGE);
    expect(readAll(log).seen).toHaveLength(10);
    await vi.waitFor(() => {
      expect(log.capacityBytes).toBe(2 ** 20);
    });
    append(log, [message(data(10))]);

    copyAsKilled(live, join(root.path, "dead"));
    await store.close();

    const { store: next } = await openStore(join(root.path, "dead"));
    expect(firstLog(next.topic("t")).head).toBe(11);
    await next.close();
  });

  it("survives kills before and after the copy", async () => {
    using root = tempDir();
    const live = join(root.path, "live");
    const { store } = await openStore(live);
    const log = firstLog(store.createTopic("t", SMALL));
    for (let offset = 0; offset < 300; offset++) append(log, [message(data(offset))]);
    store.configureTopic("t", LARGE);
    copyAsKilled(live, join(root.path, "before"));
    await vi.waitFor(() => {
      expect(log.capacityBytes).toBe(2 ** 20);
    });
    append(log, [message(data(300))]);
    copyAsKilled(live, join(root.path, "after"));
    await store.close();
    for (const [place, head] of [
      ["before", 300],
      ["after", 301],
    ] as const) {
      const again = await openStore(join(root.path, place), { ...(place === "after" && { bootId: "9".repeat(32) }) });
      const copy = firstLog(again.store.topic("t"));
      await vi.waitFor(() => {
        expect(copy.capacityBytes).toBe(2 ** 20);
      });
      expect(readAll(copy).seen.map((one) => one.data)).toEqual(
        Array.from({ length: head - copy.tail }, (_, i) => data(copy.tail + i)),
      );
      expect(copy.head).toBe(head);
      await again.store.close();
    }
  });

  it("leaves a damaged record damaged", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    const log = firstLog(store.createTopic("t", { ...SMALL, storage: "memory" }));
    for (let offset = 0; offset < 10; offset++) append(log, [message(data(offset))]);
    const result = { status: "end" } as never;
    log.read({ offset: 4, address: -1 }, 64, 5, result);
    const { bytes, start } = result as { bytes: Uint8Array; start: number };
    bytes[start + 60] = 0;
    store.configureTopic("t", { ...LARGE, storage: "memory" });
    expect(readAll(log)).toMatchObject({ holes: [{ from: 4, to: 4 }] });
    expect(readAll(log).seen.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
    await store.close();
  });
});
