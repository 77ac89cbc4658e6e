import { describe, expect, it, vi } from "vitest";
import type { LogStore } from "../../../../server/src/log/index.js";
import { ManualRuntime } from "../../../support/manual-runtime.js";
import { append, firstLog, message, openStore, readAll, SMALL } from "../../../support/log-store.js";
import { tempDir } from "../../../support/temp-dir.js";

/** More than always stay. */
const TOPICS = 1_100;
const A_MINUTE_MS = 60_000;

async function openMany(directory: string, runtime: ManualRuntime): Promise<LogStore> {
  const { store } = await openStore(directory, { runtime });
  append(firstLog(store.createTopic("used", SMALL)), [message("one")], runtime.nowMs());
  await firstLog(store.topic("used")).synced();
  for (let i = 0; i < TOPICS; i++) store.createTopic(`t${i}`, SMALL);
  return store;
}

/** Lets the clock of unused topics go round more than once. */
async function goRound(runtime: ManualRuntime): Promise<void> {
  for (let passed = 0; passed < A_MINUTE_MS; passed += 1_000) {
    runtime.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a topic that nobody uses", () => {
  it("is let go, and is as it was when it is asked for again", async () => {
    using root = tempDir();
    const runtime = new ManualRuntime();
    const store = await openMany(root.path, runtime);
    const former = firstLog(store.topic("used"));
    await vi.waitFor(
      async () => {
        await goRound(runtime);
        expect(store.mappedBytes).toBe(0);
      },
      { timeout: 10_000 },
    );

    expect(() => {
      append(former, [message("late")], runtime.nowMs());
    }).toThrow(expect.objectContaining({ code: "unavailable" }));
    const log = firstLog(store.topic("used"));
    expect([log.head, log.epoch]).toEqual([1, former.epoch]);
    append(log, [message("two")], runtime.nowMs());
    expect(readAll(log).seen.map(({ data }) => data)).toEqual(["one", "two"]);
    await store.close();

    const { store: again, events } = await openStore(root.path);
    expect(readAll(firstLog(again.topic("used"))).seen).toHaveLength(2);
    expect(again.topicCount).toBe(TOPICS + 1);
    expect(events).toEqual([]);
    await again.close();
  });

  it("stays while whoever has it says so", async () => {
    using root = tempDir();
    const runtime = new ManualRuntime();
    const store = await openMany(root.path, runtime);
    const asked = new Set<string>();
    store.mayUnload = (name) => {
      asked.add(name);
      return name !== "used";
    };
    const log = firstLog(store.topic("used"));
    await vi.waitFor(async () => {
      await goRound(runtime);
      expect(asked).toContain("used");
    });
    append(log, [message("two")], runtime.nowMs());
    expect(store.topic("used")?.partitions[0]).toBe(log);
    await store.close();
  });

  it("stays with whoever took it while its file was being closed, however long the device needs for that", async () => {
    using root = tempDir();
    const runtime = new ManualRuntime();
    const store = await openMany(root.path, runtime);
    let isTaken = false;
    let asked = 0;
    store.mayUnload = (name) => {
      if (name === "used") asked++;
      return name !== "used" || !isTaken;
    };
    while (asked === 0) runtime.advance(1_000);
    // The sync that goes before can't have ended within this turn.
    const log = firstLog(store.topic("used"));
    isTaken = true;
    runtime.advance(A_MINUTE_MS);
    const askedInTurn = asked;
    // Asked once more when the file is closed.
    await vi.waitUntil(() => asked > askedInTurn);
    append(log, [message("two")], runtime.nowMs());
    expect(store.topic("used")?.partitions[0]).toBe(log);
    await store.close();
  });
});
