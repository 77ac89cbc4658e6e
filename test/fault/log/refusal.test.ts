/** What the system refuses once, in a moment when a file and what the catalogue says of it differ. */
import type Fs from "node:fs";
import { readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Catalogue } from "../../../server/src/log/catalogue/catalogue.js";
import { NodeDisk } from "../../../server/src/log/disk/index.js";
import type { LogStoreOptions, ProducerMark, RingLog } from "../../../server/src/log/index.js";
import {
  append,
  copyAsKilled,
  firstLog,
  inEachRegion,
  message,
  openStore,
  readAll,
  SMALL,
  type TestStore,
} from "../../support/log-store.js";
import { skippingRuntime, type SkippingRuntime } from "../../support/skipping-runtime.js";
import { memoryDir, type TempDir } from "../../support/temp-dir.js";

type Call = "openSync" | "writeSync" | "rmSync" | "fdatasync";
/** Calls that fail: what they are asked for ends in this text; how many of them go well before. */
const refused = vi.hoisted(() => ({ call: "", name: "", after: 0, count: 0 }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof Fs>();
  const names = new Map<number, string>();
  const isRefused = (call: Call, name: string): boolean => {
    if (refused.call !== call || !name.includes(refused.name) || refused.after-- > 0) return false;
    refused.count++;
    return true;
  };
  const failure = (code: string): Error => Object.assign(new Error(code), { code });
  const openSync: typeof fs.openSync = (path, ...rest) => {
    if (isRefused("openSync", String(path))) throw failure("EMFILE");
    const fd = fs.openSync(path, ...rest);
    names.set(fd, String(path));
    return fd;
  };
  const writeSync = (fd: number, ...rest: unknown[]): number => {
    if (isRefused("writeSync", names.get(fd) ?? "")) throw failure("ENOSPC");
    return (fs.writeSync as (...args: unknown[]) => number)(fd, ...rest);
  };
  const rmSync: typeof fs.rmSync = (path, options) => {
    if (isRefused("rmSync", String(path))) throw failure("EPERM");
    fs.rmSync(path, options);
  };
  const fdatasync = (fd: number, done: (error: Error | null) => void): void => {
    if (isRefused("fdatasync", names.get(fd) ?? "")) done(failure("EIO"));
    else fs.fdatasync(fd, done);
  };
  return { ...fs, openSync, writeSync, rmSync, fdatasync };
});

function refuse(call: Call, name: string, after = 0): void {
  Object.assign(refused, { call, name, after, count: 0 });
}
function refuseNothing(): void {
  refused.call = "";
}

const JOURNAL = "journal.";
let root: TempDir;
let live: string;
/** Of all stores of a test. */
let clock: SkippingRuntime;
const opened: TestStore[] = [];

beforeEach(() => {
  root = memoryDir();
  clock = skippingRuntime();
  live = join(root.path, "live");
});
afterEach(async () => {
  refuseNothing();
  for (const { store } of opened.splice(0)) await store.close();
  root[Symbol.dispose]();
});

async function open(directory = live, options: Partial<LogStoreOptions> = {}): Promise<TestStore> {
  const store = await openStore(directory, { runtime: clock, ...options });
  opened.push(store);
  return store;
}

/** Seconds that a store has for what it does by itself. */
const PATIENCE_S = 3;

/** Tries again until it goes well. For the stores a second passes before each of the first tries. */
async function later(attempt: () => void): Promise<void> {
  let seconds = 0;
  await vi.waitFor(
    () => {
      if (seconds++ < PATIENCE_S) clock.skip(1_000);
      attempt();
    },
    { timeout: 3_000, interval: 20 },
  );
}

/** A topic `t` of three records, closed. */
async function closed(): Promise<string> {
  const { store } = await openStore(live);
  const log = firstLog(store.createTopic("t", SMALL));
  for (const text of ["one", "two", "three"]) append(log, [message(text)]);
  await store.close();
  return join(live, "logs", "t.t.0.ring");
}

/** What the next process finds when this one is killed now. */
async function afterKill(): Promise<RingLog> {
  const dead = join(root.path, "dead");
  copyAsKilled(live, dead);
  return firstLog((await open(dead)).store.topic("t"));
}

function appendMarked(log: RingLog, mark: ProducerMark): void {
  const { epoch, head: firstOffset } = log;
  // Producers that were silent for a week are forgotten.
  log.append([message("marked")], { epoch, firstOffset, timestamp: clock.nowMs() }, mark);
}

/** Appends as a publisher does who tries again: the first try may find that the log is another one. */
function appendAgain(log: RingLog, text: string): void {
  expect(() => {
    append(log, [message(text)]);
  }).toThrow(expect.objectContaining({ code: "unavailable" }));
  append(log, [message(text)]);
}

const textsOf = (log: RingLog): string[] => readAll(log).seen.map(({ data }) => data);

inEachRegion(() => {
  describe("a log that began anew", () => {
    it("is there whole when the process dies, where its file was set aside", async () => {
      truncateSync(await closed(), 0);
      const { store } = await open();
      appendAgain(firstLog(store.topic("t")), "anew");
      const log = await afterKill();
      expect([log.head, textsOf(log)]).toEqual([1, ["anew"]]);
    });

    it("has a file that its next opening knows, although the catalogue could not be written at first", async () => {
      rmSync(await closed());
      const { store } = await open(live, { syncIntervalMs: 3_600_000 });
      const log = firstLog(store.topic("t"));
      refuse("writeSync", JOURNAL);
      expect(() => {
        append(log, [message("refused")]);
      }).toThrow(expect.objectContaining({ code: "unavailable" }));
      refuseNothing();
      await later(() => {
        append(log, [message("anew")]);
      });
      const again = await afterKill();
      expect([again.failure, textsOf(again)]).toEqual([undefined, ["anew"]]);
    });

    it("stands beside the file of a former topic, where the catalogue was moved away", async () => {
      await closed();
      rmSync(join(live, "catalogue"), { recursive: true });
      const { store, events } = await open();
      const log = firstLog(store.createTopic("t", SMALL));
      append(log, [message("anew")]);
      expect(events).toMatchObject([{ type: "set-aside", topic: "t", partition: 0 }]);
      expect([log.lineage.length, textsOf(log)]).toEqual([1, ["anew"]]);
      expect(readdirSync(join(live, "logs"))).toHaveLength(2);
    });
  });

  describe("a log that is restored", () => {
    const LINEAGE = [{ epoch: "restored", first: 7 }];

    it("stands as before when the catalogue can't be written", async () => {
      const { store } = await open();
      const log = firstLog(store.createTopic("t", SMALL));
      const { epoch } = log;
      refuse("writeSync", JOURNAL);
      expect(() => {
        log.beginAt(7, LINEAGE);
      }).toThrow(expect.objectContaining({ code: "unavailable" }));
      refuseNothing();
      expect([log.head, log.epoch]).toEqual([0, epoch]);
      append(log, [message("one")]);
      expect(textsOf(await afterKill())).toEqual(["one"]);
    });

    it("keeps the records of a file that could not be opened at the start", async () => {
      const { store } = await open();
      append(firstLog(store.createTopic("t", SMALL)), [message("one")]);
      refuse("openSync", ".ring");
      const log = await afterKill();
      expect(refused.count).toBe(1);
      refuseNothing();
      await later(() => {
        expect(() => {
          log.beginAt(7, LINEAGE);
        }).toThrow(expect.objectContaining({ code: "conflict", details: { head: 1 } }));
      });
      expect(textsOf(log)).toEqual(["one"]);
    });
  });

  describe("a batch whose bytes are in the file, and whose head could not be written", () => {
    it("comes to light by no power cut once the log works again; until then nobody knows", async () => {
      const { store } = await open(live, { mmap: false });
      const log = firstLog(store.createTopic("t", SMALL));
      append(log, [message("one")]);
      refuse("writeSync", ".ring", 1);
      expect(() => {
        append(log, [message("refused")]);
      }).toThrow(expect.objectContaining({ code: "unavailable", details: { stored: "unknown" } }));
      refuseNothing();
      await later(() => expect(log.failure).toBeUndefined());
      const dead = join(root.path, "dead");
      copyAsKilled(live, dead);
      const { store: after } = await open(dead, { mmap: false, bootId: "2".repeat(32) });
      expect(textsOf(firstLog(after.topic("t")))).toEqual(["one"]);
    });
  });

  describe("a log that could not be opened at the start", () => {
    it("tells nobody where it stands before it can be opened: a reader at its head would seem to be ahead of it", async () => {
      const { store } = await open();
      append(firstLog(store.createTopic("t", SMALL)), [message("one")]);
      refuse("openSync", ".ring");
      const log = await afterKill();
      refuseNothing();
      expect(() => {
        log.ensureKnown();
      }).toThrow(expect.objectContaining({ code: "unavailable" }));
      await later(() => {
        log.ensureKnown();
      });
      expect(log.head).toBe(1);
    });
  });

  describe("a producer", () => {
    it("is asked to wait, and not for another sequence, while a log can't be opened that knows it", async () => {
      const { store } = await open();
      const mark = { id: "p", sequence: 0, digest: 1 };
      appendMarked(firstLog(store.createTopic("t", SMALL)), mark);
      refuse("openSync", ".ring");
      await afterKill();
      const topic = opened.at(-1)?.store.topic("t");
      refuseNothing();
      expect(() => topic?.judge({ ...mark, sequence: 1 }, [0])).toThrow(
        expect.objectContaining({ code: "unavailable" }),
      );
      await later(() => expect(topic?.judge(mark, [0]).kind).toBe("duplicate"));
      expect(topic?.judge({ ...mark, sequence: 1 }, [0]).kind).toBe("new");
    });
  });

  describe("a topic that is configured anew", () => {
    it("is so, although what follows from it can't be written down", async () => {
      const { store } = await open();
      store.createTopic("t", SMALL);
      refuse("writeSync", JOURNAL, 1);
      store.configureTopic("t", { ...SMALL, retentionRecords: 7 });
      expect(refused.count).toBe(1);
      refuseNothing();
      await afterKill();
      expect(opened.at(-1)?.store.topic("t")?.config.retentionRecords).toBe(7);
    });
  });

  describe("a topic that is deleted and made again", () => {
    it("keeps its records, although it could not be written down that the old files were gone", async () => {
      const { store } = await open();
      append(firstLog(store.createTopic("t", SMALL)), [message("old")]);
      refuse("writeSync", JOURNAL, 1);
      const [epoch] = store.deleteTopic("t");
      expect(refused.count).toBe(1);
      refuseNothing();
      append(firstLog(store.createTopic("t", SMALL)), [message("new")]);
      const log = await afterKill();
      expect([log.epoch, textsOf(log)]).toEqual([epoch, ["new"]]);
    });

    it("is deleted although its file can't be removed yet, and not made before it can", async () => {
      const { store } = await open();
      append(firstLog(store.createTopic("t", SMALL)), [message("old")]);
      refuse("rmSync", ".ring");
      store.deleteTopic("t");
      expect(store.topic("t")).toBeUndefined();
      expect(() => store.createTopic("t", SMALL)).toThrow(expect.objectContaining({ code: "unavailable" }));
      refuseNothing();
      append(firstLog(store.createTopic("t", SMALL)), [message("new")]);
      expect(textsOf(await afterKill())).toEqual(["new"]);
    });

    it("keeps no hub from starting when its file can't be removed", async () => {
      const { store } = await open();
      append(firstLog(store.createTopic("t", SMALL)), [message("old")]);
      refuse("rmSync", ".ring");
      store.deleteTopic("t");
      const dead = join(root.path, "dead");
      copyAsKilled(live, dead);
      const again = await open(dead);
      expect(again.store.topicCount).toBe(0);
      refuseNothing();
      again.store.createTopic("t", SMALL);
      expect(readdirSync(join(dead, "logs"))).toEqual([]);
    });
  });

  describe("a log that refused its first record", () => {
    it("tells by itself that it works again, and has no record then", async () => {
      const { store, events } = await open(live, { healIntervalMs: 5 });
      const log = firstLog(store.createTopic("t", SMALL));
      refuse("writeSync", JOURNAL);
      expect(() => {
        append(log, [message("refused")]);
      }).toThrow(expect.objectContaining({ code: "unavailable" }));
      expect(events).toMatchObject([{ type: "failed" }]);
      refuseNothing();
      await later(() => expect(log.failure).toBeUndefined());
      expect(events).toContainEqual({ type: "healthy", topic: "t", partition: 0 });
      expect([log.head, (await afterKill()).head]).toEqual([0, 0]);
    });
  });

  describe("records that expire", () => {
    /** Nobody waits for these: what they throw would end the process. */
    it("do so once the catalogue can be written again", async () => {
      const { store } = await openStore(live);
      append(firstLog(store.createTopic("t", { ...SMALL, retentionMs: 1_000 })), [message("old")], clock.nowMs());
      await store.close();
      refuse("writeSync", JOURNAL);
      const again = await open();
      await later(() => expect(refused.count).toBeGreaterThan(0));
      refuseNothing();
      await later(() => expect(again.store.totalBytes).toBe(0));
      expect(again.store.counters.expiredRecords).toBe(1);
    });

    it("stay where that can't be written down, and go by themselves once it can: the tail runs back for nobody", async () => {
      const { store } = await open(live, { mmap: false });
      const log = firstLog(store.createTopic("t", { ...SMALL, retentionRecords: 2 }));
      append(log, [message("one"), message("two")]);
      // Behind the record and the head comes the tail.
      refuse("writeSync", ".ring", 2);
      append(log, [message("three")]);
      expect(refused.count).toBe(1);
      expect([log.tail, textsOf(log)]).toEqual([0, ["one", "two", "three"]]);
      expect(log.failure).toBeDefined();
      refuseNothing();
      await later(() => expect([log.tail, log.failure]).toEqual([1, undefined]));
      const dead = join(root.path, "dead");
      copyAsKilled(live, dead);
      const after = firstLog((await open(dead, { mmap: false })).store.topic("t"));
      expect([after.tail, textsOf(after)]).toEqual([1, ["two", "three"]]);
    });

    it("leave their file when the device can't take the catalogue, and it takes records again", async () => {
      const { store } = await open();
      const log = firstLog(store.createTopic("t", { ...SMALL, retentionMs: 100 }));
      append(log, [message("old")], clock.nowMs());
      await log.synced();
      refuse("fdatasync", JOURNAL);
      await later(() => expect(refused.count).toBeGreaterThan(0));
      refuseNothing();
      await later(() => append(log, [message("new")], clock.nowMs()));
      expect(textsOf(log)).toEqual(["new"]);
    });
  });
});

describe("a catalogue whose journal could not be synced", () => {
  it("is synced only when lmdb has brought everything to the device", async () => {
    const path = join(live, "catalogue");
    const catalogue = new Catalogue(new NodeDisk(), path);
    const state = { head: 0, tail: 0, headAddress: 0, tailAddress: 0, lastTimestamp: 0, bytes: 0 };
    catalogue.putTopic("t", { config: SMALL, partitions: [{ lineage: [{ epoch: "e", first: 0 }], ...state }] });
    refuse("fdatasync", JOURNAL);
    await expect(catalogue.synced()).rejects.toMatchObject({ code: "unavailable" });
    refuseNothing();
    await catalogue.synced();
    // What the journal held is not on the device, whatever later syncs say.
    const dead = join(root.path, "dead");
    copyAsKilled(path, dead);
    for (const name of readdirSync(dead)) if (name.startsWith("journal")) rmSync(join(dead, name));
    const again = new Catalogue(new NodeDisk(), dead);
    expect(again.topic("t")).toBeDefined();
    await again.close();
    await catalogue.close();
  });
});
