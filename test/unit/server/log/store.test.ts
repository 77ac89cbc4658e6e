import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { MAX_CAPACITY_BYTES } from "../../../../server/src/log/index.js";
import {
  append,
  copyAsKilled,
  emptyResult,
  firstLog,
  message,
  openStore,
  readAll,
  SMALL,
} from "../../../support/log-store.js";
import { tempDir } from "../../../support/temp-dir.js";

describe("a log store", () => {
  it("names its topics in the order of their bytes", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    for (const name of ["b", "a", "é", "Z", "a.b"]) store.createTopic(name, SMALL);
    expect([...store.topicNames()]).toEqual(["Z", "a", "a.b", "b", "é"]);
    expect(store.topicCount).toBe(5);
    await store.close();
  });

  it("has no file for a topic without records", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    store.createTopic("t", SMALL);
    expect(readdirSync(join(root.path, "logs"))).toEqual([]);
    expect(readAll(firstLog(store.topic("t")))).toEqual({ seen: [], holes: [] });
    await store.close();
  });

  it("opens a log that was closed cleanly only when somebody uses it", async () => {
    using root = tempDir();
    const first = await openStore(root.path);
    append(firstLog(first.store.createTopic("t", SMALL)), [message("x")]);
    const { epoch } = firstLog(first.store.topic("t"));
    await first.store.close();
    const { store, events } = await openStore(root.path);
    const log = firstLog(store.topic("t"));
    expect([log.head, log.epoch, store.mappedBytes]).toEqual([1, epoch, 0]);
    expect(store.totalBytes).toBe(16_384);
    expect(readAll(log).seen).toMatchObject([{ data: "x" }]);
    expect(store.mappedBytes).toBeGreaterThan(0);
    expect(events).toEqual([]);
    await store.close();
  });

  it("lets go the logs that were not used for the longest time, and takes them up again", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path, { maxMappedLogs: 3, syncIntervalMs: 1 });
    const logs = Array.from({ length: 10 }, (_, i) => firstLog(store.createTopic(`t${i}`, SMALL)));
    for (const [i, log] of logs.entries()) {
      append(log, [message(`first ${i}`)]);
      await log.synced();
    }
    await vi.waitFor(() => {
      expect(store.mappedBytes).toBeLessThan(5 * 131_072);
    });
    for (const [i, log] of logs.entries()) {
      append(log, [message(`second ${i}`)]);
      expect(readAll(log).seen.map(({ data }) => data)).toEqual([`first ${i}`, `second ${i}`]);
    }
    await store.close();
  });

  it("refuses to make a topic twice, and one that is too large for an array", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    store.createTopic("t", SMALL);
    expect(() => store.createTopic("t", SMALL)).toThrow(expect.objectContaining({ code: "already_exists" }));
    const large = { ...SMALL, capacityBytes: MAX_CAPACITY_BYTES + 1 };
    expect(() => store.createTopic("u", large)).toThrow(
      expect.objectContaining({ code: "bad_request", details: { field: "capacityBytes" } }),
    );
    await store.close();
  });

  it("keeps partitions and storage as they were made", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    store.createTopic("t", SMALL);
    expect(() => store.configureTopic("t", { ...SMALL, partitions: 2 })).toThrow(
      expect.objectContaining({ code: "conflict", details: { field: "partitions" } }),
    );
    expect(() => store.configureTopic("t", { ...SMALL, storage: "memory" })).toThrow(
      expect.objectContaining({ code: "conflict" }),
    );
    store.configureTopic("t", { ...SMALL, durability: "synced" });
    expect(store.topic("t")?.config.durability).toBe("synced");
    await store.close();
  });

  it("goes on with the epoch fixed at the deletion when a name is made again, also after a kill", async () => {
    using root = tempDir();
    const live = join(root.path, "live");
    const { store } = await openStore(live);
    const log = firstLog(store.createTopic("t", { ...SMALL, partitions: 2 }));
    append(log, [message("gone")]);
    const epochs = store.deleteTopic("t");
    expect(epochs).toHaveLength(2);
    expect(store.topic("t")).toBeUndefined();
    expect(readdirSync(join(live, "logs"))).toEqual([]);
    expect(() => append(log, [message("x")])).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(log.read({ offset: 0, address: -1 }, 64, Infinity, emptyResult())).toBe("pending");
    copyAsKilled(live, join(root.path, "dead"));
    await store.close();
    const again = (await openStore(join(root.path, "dead"))).store;
    expect(again.epochsAfterDeletion("t")).toEqual(epochs);
    const anew = firstLog(again.createTopic("t", SMALL));
    expect([anew.epoch, anew.head]).toEqual([epochs[0], 0]);
    expect(again.epochsAfterDeletion("t")).toBeUndefined();
    await again.close();
  });

  it("begins a memory topic anew, in another epoch, each time it is opened", async () => {
    using root = tempDir();
    const first = await openStore(root.path);
    const log = firstLog(first.store.createTopic("t", { ...SMALL, storage: "memory" }));
    append(log, [message("x")]);
    await first.store.close();
    const { store } = await openStore(root.path);
    const again = firstLog(store.topic("t"));
    expect([again.head, again.epoch === log.epoch]).toEqual([0, false]);
    await store.close();
  });

  it("knows producers again after their records were overwritten and the process was killed", async () => {
    using root = tempDir();
    const live = join(root.path, "live");
    const { store } = await openStore(live);
    const topic = store.createTopic("t", SMALL);
    const log = firstLog(topic);
    const assignment = (): { epoch: string; firstOffset: number; timestamp: number } => {
      return { epoch: log.epoch, firstOffset: log.head, timestamp: Date.now() };
    };
    log.append([message("once")], assignment(), { id: "p", sequence: 0, digest: 7 });
    while (log.tail === 0) log.append([message("x".repeat(1_000))], assignment());
    log.append([message("twice")], assignment(), { id: "p", sequence: 1, digest: 8 });
    copyAsKilled(live, join(root.path, "dead"));
    const again = (await openStore(join(root.path, "dead"))).store;
    const revived = again.topic("t");
    expect(revived?.judge({ id: "p", sequence: 0, digest: 7 }, [0])).toMatchObject({
      kind: "duplicate",
      reply: { offsets: [{ first: 0 }] },
    });
    expect(revived?.judge({ id: "p", sequence: 1, digest: 8 }, [0])).toMatchObject({ kind: "duplicate" });
    expect(revived?.judge({ id: "p", sequence: 2, digest: 9 }, [0])).toEqual({ kind: "new" });
    await again.close();
    await store.close();
  });

  it("can be closed twice", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    await Promise.all([store.close(), store.close()]);
  });
});
