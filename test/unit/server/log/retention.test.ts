import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { TopicConfig } from "@ringcast/protocol";
import type { RingLog } from "../../../../server/src/log/index.js";
import { ManualRuntime } from "../../../support/manual-runtime.js";
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

const AN_HOUR_MS = 3_600_000;
/** The wheel comes by so often at least. */
const STEP_MS = 200;

function appendNow(runtime: ManualRuntime, log: RingLog, count = 1): void {
  append(
    log,
    Array.from({ length: count }, (_, i) => message(`record ${log.head + i}`)),
    runtime.nowMs(),
  );
}

async function openTopic(
  directory: string,
  config: Partial<TopicConfig>,
  runtime = new ManualRuntime(),
): Promise<{ store: Awaited<ReturnType<typeof openStore>>["store"]; log: RingLog; runtime: ManualRuntime }> {
  const { store } = await openStore(directory, { runtime });
  return { store, runtime, log: firstLog(store.createTopic("t", { ...SMALL, ...config })) };
}

function logFiles(directory: string): string[] {
  return readdirSync(join(directory, "logs"));
}

describe("retention by count", () => {
  it("keeps exactly so many records after each append", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionRecords: 10 });
    for (const count of [1, 8, 1, 1, 25, 3]) {
      appendNow(runtime, log, count);
      expect(log.head - log.tail).toBe(Math.min(10, log.head));
    }
    expect(readAll(log).seen.map(({ offset }) => offset)).toEqual(Array.from({ length: 10 }, (_, i) => 29 + i));
    expect(store.counters.expiredRecords).toBe(29);
    await store.close();
  });

  it("tells a reader that stood below the tail where to go on", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionRecords: 2 });
    appendNow(runtime, log, 5);
    const result = emptyResult();
    expect(log.read({ offset: 1, address: -1 }, 65_536, Infinity, result)).toBe("below-tail");
    expect(result.nextOffset).toBe(3);
    await store.close();
  });

  it("holds at once when it is configured, and no more when it is lifted", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, {});
    appendNow(runtime, log, 20);
    store.configureTopic("t", { ...SMALL, retentionRecords: 5 });
    expect([log.tail, log.head]).toEqual([15, 20]);
    store.configureTopic("t", SMALL);
    appendNow(runtime, log, 20);
    expect([log.tail, log.head]).toEqual([15, 40]);
    await store.close();
  });

  it("remembers what producers published in records that are gone", async () => {
    using root = tempDir();
    const other = join(root.path, "killed");
    const { store, log, runtime } = await openTopic(join(root.path, "live"), { retentionRecords: 1 });
    const mark = (sequence: number): { id: string; sequence: number; digest: number } => ({
      id: "p",
      sequence,
      digest: 7,
    });
    for (let sequence = 0; sequence < 20; sequence++) {
      const { epoch, head } = log;
      log.append([message("x")], { epoch, firstOffset: head, timestamp: runtime.nowMs() }, mark(sequence));
    }
    copyAsKilled(join(root.path, "live"), other);
    await store.close();
    const again = await openStore(other, { runtime });
    const topic = again.store.topic("t");
    expect(topic?.judge(mark(3), [0])).toMatchObject({
      kind: "duplicate",
      reply: { offsets: [{ first: 3, count: 1 }] },
    });
    expect(topic?.judge(mark(20), [0])).toEqual({ kind: "new" });
    await again.store.close();
  });
});

describe("retention by age", () => {
  it("moves the tail although nobody publishes", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: 10_000 });
    for (let i = 0; i < 5; i++) {
      appendNow(runtime, log);
      runtime.advance(2_000);
    }
    runtime.advance(STEP_MS);
    expect([log.tail, log.head]).toEqual([1, 5]);
    runtime.advance(4_000);
    expect(log.tail).toBe(3);
    appendNow(runtime, log);
    runtime.advance(4_000);
    expect([log.tail, log.head]).toEqual([5, 6]);
    await store.close();
  });

  it("gives the file of a log back when all of it is expired, and goes on where it was", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: 10_000 });
    appendNow(runtime, log, 100);
    const { epoch } = log;
    expect(store.totalBytes).toBeGreaterThan(0);
    runtime.advance(12_000);
    await vi.waitFor(() => {
      expect(logFiles(root.path)).toEqual([]);
    });
    expect([log.tail, log.head, store.totalBytes]).toEqual([100, 100, 0]);
    appendNow(runtime, log, 2);
    expect([log.tail, log.head, log.epoch]).toEqual([100, 102, epoch]);
    expect(readAll(log).seen.map(({ offset }) => offset)).toEqual([100, 101]);
    await store.close();

    const again = await openStore(root.path, { runtime });
    expect(readAll(firstLog(again.store.topic("t"))).seen.map(({ offset }) => offset)).toEqual([100, 101]);
    await again.store.close();
  });

  it.each(["closed", "killed"])("knows a %s log without file by its head and epoch", async (how) => {
    using root = tempDir();
    const live = join(root.path, "live");
    const { store, log, runtime } = await openTopic(live, { retentionMs: 1_000 });
    appendNow(runtime, log, 7);
    const { epoch } = log;
    runtime.advance(5_000);
    await vi.waitFor(() => {
      expect(logFiles(live)).toEqual([]);
    });
    const killed = join(root.path, "killed");
    copyAsKilled(live, killed);
    await store.close();
    const { store: again, events } = await openStore(how === "closed" ? live : killed, { runtime });
    const revived = firstLog(again.topic("t"));
    expect([revived.tail, revived.head, revived.epoch]).toEqual([7, 7, epoch]);
    appendNow(runtime, revived);
    expect(readAll(revived).seen.map(({ offset }) => offset)).toEqual([7]);
    expect(events).toEqual([]);
    await again.close();
  });

  it("lets records go after a restart without anybody asking for their topic", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: AN_HOUR_MS });
    appendNow(runtime, log, 3);
    await store.close();
    const { store: again } = await openStore(root.path, { runtime });
    runtime.advance(AN_HOUR_MS / 2);
    expect([again.mappedBytes, again.totalBytes]).toEqual([0, 16_384]);
    runtime.advance(AN_HOUR_MS / 2 + 60_000);
    await vi.waitFor(() => {
      expect(logFiles(root.path)).toEqual([]);
    });
    expect(again.counters.expiredRecords).toBe(3);
    const revived = firstLog(again.topic("t"));
    expect([revived.tail, revived.head]).toEqual([3, 3]);
    await again.close();
  });

  it("lets go at the start what expired while no hub ran", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: AN_HOUR_MS });
    appendNow(runtime, log, 3);
    await store.close();
    runtime.advance(2 * AN_HOUR_MS);
    const { store: again } = await openStore(root.path, { runtime });
    expect(firstLog(again.topic("t")).tail).toBe(3);
    await again.close();
  });

  it("holds in memory, too, and frees it", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: 1_000, storage: "memory" });
    appendNow(runtime, log, 3);
    expect(store.totalBytes).toBeGreaterThan(0);
    runtime.advance(5_000);
    await vi.waitFor(() => {
      expect(store.totalBytes).toBe(0);
    });
    appendNow(runtime, log);
    expect(readAll(log).seen.map(({ offset }) => offset)).toEqual([3]);
    await store.close();
    expect(existsSync(join(root.path, "logs", "t.t.0.ring"))).toBe(false);
  });
});

describe("retention by age under a clock that jumps", () => {
  it("lets nothing go that is not as old, though the clock is a day ahead for a while", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: AN_HOUR_MS });
    appendNow(runtime, log, 10);
    runtime.advance(10_000);
    runtime.wallAheadMs = 24 * AN_HOUR_MS;
    runtime.advance(60_000);
    appendNow(runtime, log);
    runtime.advance(60_000);
    runtime.wallAheadMs = 0;
    runtime.advance(60_000);
    expect([log.tail, log.head]).toEqual([0, 11]);
    runtime.advance(AN_HOUR_MS);
    // What was appended a day ahead of the others goes a day behind them.
    expect([log.tail, log.head]).toEqual([10, 11]);
    await store.close();
  });

  it("lets topics that nobody has opened keep what they have as well", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: AN_HOUR_MS });
    appendNow(runtime, log, 10);
    await store.close();
    const { store: again } = await openStore(root.path, { runtime });
    runtime.wallAheadMs = 24 * AN_HOUR_MS;
    runtime.advance(10 * 60_000);
    expect(firstLog(again.topic("t")).tail).toBe(0);
    await again.close();
  });

  it("keeps new records of a new topic when the clock runs back", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: 10_000 });
    appendNow(runtime, log);
    runtime.wallAheadMs = -AN_HOUR_MS;
    const other = firstLog(store.createTopic("u", { ...SMALL, retentionMs: 10_000 }));
    appendNow(runtime, other);
    runtime.advance(9_000);
    expect(other.tail).toBe(0);
    runtime.advance(2_000);
    expect(other.tail).toBe(1);
    await store.close();
  });

  it("gives the file of an emptied log back a second later, though the clock has run back meanwhile", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, { retentionMs: 10_000 });
    appendNow(runtime, log);
    runtime.advance(10_000 + STEP_MS);
    expect(log.tail).toBe(1);
    runtime.wallAheadMs = -AN_HOUR_MS;
    runtime.advance(3_000);
    await vi.waitFor(() => {
      expect(logFiles(root.path)).toEqual([]);
    });
    await store.close();
  });

  it("remembers producers, though the clock is a month ahead for a while", async () => {
    using root = tempDir();
    const { store, log, runtime } = await openTopic(root.path, {});
    const mark = { id: "p", sequence: 0, digest: 7 };
    const { epoch, head } = log;
    log.append([message("x")], { epoch, firstOffset: head, timestamp: runtime.nowMs() }, mark);
    runtime.wallAheadMs = 30 * 24 * AN_HOUR_MS;
    expect(store.topic("t")?.judge(mark, [0]).kind).toBe("duplicate");
    await store.close();
  });
});
