/** Bytes that are in order but don't belong where they are: of another topic, partition, lap or time. What a file says must not be believed because its checks hold. */
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { LENGTH_AT, RingcastError } from "@ringcast/protocol";
import { FILE_HEADER_BYTES } from "../../../server/src/log/file-header.js";
import type { RingLog, StoredTopic } from "../../../server/src/log/index.js";
import {
  append,
  copyAsKilled,
  firstLog,
  inEachRegion,
  message,
  onlyLogFile,
  openStore,
  readAll,
  SMALL,
} from "../../support/log-store.js";
import { AFTER, BEFORE, fill, RECORD_BYTES, useStores } from "./stores.js";

const stores = useStores({ bootId: BEFORE });
let live: string;
let dead: string;

beforeEach(() => {
  live = stores.path("live");
  dead = stores.path("dead");
});

/** A log of so many records, as a hub that was killed leaves it, and changed since. */
async function killed(records: number, change: (file: string) => void): Promise<void> {
  const { store } = await stores.open(live);
  fill(firstLog(store.createTopic("t", SMALL)), records);
  copyAsKilled(live, dead);
  change(onlyLogFile(dead));
}

function write(file: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(file, "r+");
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

function read(file: string, at: number, length: number): Uint8Array {
  const fd = openSync(file, "r");
  const bytes = new Uint8Array(length);
  readSync(fd, bytes, 0, length, at);
  closeSync(fd);
  return bytes;
}

function swap(one: string, other: string): void {
  renameSync(one, stores.path("x"));
  renameSync(other, one);
  renameSync(stores.path("x"), other);
}

function placeOf(offset: number): number {
  return FILE_HEADER_BYTES + offset * RECORD_BYTES;
}

/** Appends as a publisher does who tries again: the first try may find that the log stands elsewhere than it was. */
function fillAgain(log: RingLog, records: number): void {
  const { head } = log;
  try {
    fill(log, 1);
  } catch (error) {
    if (!(error instanceof RingcastError) || error.code !== "unavailable") throw error;
    expect(log.head).not.toBe(head);
    fill(log, 1);
  }
  fill(log, records - 1);
}

function offsetsOf(log: RingLog): number[] {
  return readAll(log).seen.map(({ offset }) => offset);
}

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, offset) => offset);
}

function partitionOf(topic: StoredTopic | undefined, partition: number): RingLog {
  const log = topic?.partitions[partition];
  if (log === undefined) throw new Error(`there is no partition ${partition}`);
  return log;
}

inEachRegion(() => {
  describe("a length that leads elsewhere", () => {
    const LENGTHS = [
      0,
      1,
      8,
      9,
      40,
      48,
      64,
      80,
      2 * RECORD_BYTES,
      15 * RECORD_BYTES,
      65_536,
      2 ** 31,
      2 ** 32 - 8,
      2 ** 32 - 1,
    ];
    it.each(LENGTHS)("of %d costs the record that has it, and nothing behind it", async (length) => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, length, true);
      await killed(30, (file) => write(file, placeOf(15) + LENGTH_AT, bytes));
      const { store } = await stores.open(dead);
      const log = firstLog(store.topic("t"));
      expect(readAll(log).holes).toEqual([{ from: 15, to: 15 }]);
      expect(offsetsOf(log)).toEqual(upTo(30).filter((offset) => offset !== 15));
    });
  });

  describe("records of another log", () => {
    /** Two partitions of one topic, in one epoch: the first has fewer records. */
    async function twoPartitions(change: (first: string, second: string) => void): Promise<void> {
      const { store } = await stores.open(live);
      const topic = store.createTopic("t", { ...SMALL, partitions: 2 });
      for (const [partition, records] of [10, 20].entries()) fill(partitionOf(topic, partition), records);
      copyAsKilled(live, dead);
      change(join(dead, "logs", "t.t.0.ring"), join(dead, "logs", "t.t.1.ring"));
    }

    it("aren't found behind the head after a power cut, although offset, address and epoch fit", async () => {
      await twoPartitions((first, second) => write(first, placeOf(10), read(second, placeOf(10), 10 * RECORD_BYTES)));
      const { store } = await stores.open(dead, { bootId: AFTER });
      expect(partitionOf(store.topic("t"), 0).head).toBe(10);
    });

    it("are a gap where they stand in place of the log's own", async () => {
      await twoPartitions((first, second) => write(first, placeOf(4), read(second, placeOf(4), 2 * RECORD_BYTES)));
      const { store } = await stores.open(dead);
      expect(readAll(partitionOf(store.topic("t"), 0)).holes).toEqual([{ from: 4, to: 5 }]);
    });

    it("are refused by name when their file has the log's name: of another partition", async () => {
      await twoPartitions(swap);
      const { store, events } = await stores.open(dead);
      expect(events.map(({ type }) => type)).toEqual(["failed", "failed"]);
      for (const partition of [0, 1]) {
        const log = partitionOf(store.topic("t"), partition);
        expect(log.failure?.message).toContain(`is the log of "t", partition ${1 - partition}`);
        expect(() => append(log, [message("x")])).toThrow(expect.objectContaining({ code: "unavailable" }));
      }
    });

    it("are refused by name when their file has the log's name: of another topic", async () => {
      const { store } = await stores.open(live);
      for (const name of ["a", "b"]) fill(firstLog(store.createTopic(name, SMALL)), 1);
      copyAsKilled(live, dead);
      swap(join(dead, "logs", "t.a.0.ring"), join(dead, "logs", "t.b.0.ring"));
      const { store: after } = await stores.open(dead);
      for (const [name, other] of [
        ["a", "b"],
        ["b", "a"],
      ] as const)
        expect(firstLog(after.topic(name)).failure?.message).toContain(`is the log of "${other}"`);
    });

    it("are refused by name when their file has the log's name: of a topic that was deleted", async () => {
      const { store } = await stores.open(live);
      fill(firstLog(store.createTopic("t", SMALL)), 30);
      const file = onlyLogFile(live);
      copyFileSync(file, stores.path("former"));
      store.deleteTopic("t");
      fill(firstLog(store.createTopic("t", SMALL)), 10);
      copyAsKilled(live, dead);
      copyFileSync(stores.path("former"), onlyLogFile(dead));
      const log = firstLog((await stores.open(dead)).store.topic("t"));
      expect(log.failure?.message).toMatch(/holds epoch .*, expected/);
    });
  });

  describe("an older lap", () => {
    it("is told from the present one when the newest head words are damaged", async () => {
      const { store } = await stores.open(live);
      const log = firstLog(store.createTopic("t", SMALL));
      // A lap is 910 records and a filler: the third one has come to the middle.
      fill(log, 2_300);
      copyAsKilled(live, dead);
      const [first, second] = [8_256, 8_320].map((slot) => read(onlyLogFile(dead), slot, 4)[0] as number);
      const newest = ((first as number) - (second as number)) << 24 > 0 ? 8_256 : 8_320;
      write(onlyLogFile(dead), newest + 8, Uint8Array.of(1));
      const { store: after } = await stores.open(dead);
      const found = firstLog(after.topic("t"));
      expect([found.head, found.tail, found.lineage.length]).toEqual([log.head, log.tail, 2]);
      expect(offsetsOf(found)).toEqual(offsetsOf(log));
    });

    it("isn't found by the next power cut either, when the log was cut and goes on over it", async () => {
      await killed(30, (file) => write(file, placeOf(20), new Uint8Array(8)));
      const first = await stores.open(dead, { bootId: AFTER });
      const log = firstLog(first.store.topic("t"));
      expect(log.head).toBe(20);
      fill(log, 3);
      const again = stores.path("again");
      copyAsKilled(dead, again);
      const { store } = await stores.open(again, { bootId: "3".repeat(32) });
      expect(firstLog(store.topic("t")).head).toBe(23);
    });
  });

  describe("zeros before whole records", () => {
    const PAGE = 4_096;
    it("end the log after a power cut: pages reach the device in any order", async () => {
      await killed(200, (file) => write(file, FILE_HEADER_BYTES + PAGE, new Uint8Array(PAGE)));
      const log = firstLog((await stores.open(dead, { bootId: AFTER })).store.topic("t"));
      const whole = Math.floor(PAGE / RECORD_BYTES);
      expect([log.head, log.lineage.map(({ first }) => first)]).toEqual([whole, [0, whole]]);
      expect(offsetsOf(log)).toEqual(upTo(whole));
    });

    it("are a gap when the process died alone, and what stands behind them can be read", async () => {
      await killed(200, (file) => write(file, FILE_HEADER_BYTES + PAGE, new Uint8Array(PAGE)));
      const log = firstLog((await stores.open(dead)).store.topic("t"));
      const from = Math.floor(PAGE / RECORD_BYTES);
      const to = Math.ceil((2 * PAGE) / RECORD_BYTES) - 1;
      expect([log.head, log.lineage.length]).toEqual([200, 1]);
      const { seen, holes } = readAll(log);
      expect([holes[0]?.from, holes.at(-1)?.to, seen.length]).toEqual([from, to, 200 - (to - from + 1)]);
    });
  });

  describe("an older state of the log's own file", () => {
    /** Closed with 20 records, then with 30; what the file was after 20 is put back. */
    async function putBack(options: { readonly isKilled: boolean }): Promise<string> {
      const { store } = await openStore(live, { bootId: BEFORE });
      fill(firstLog(store.createTopic("t", SMALL)), 20);
      await store.close();
      const file = onlyLogFile(live);
      const former = readFileSync(file);
      const { store: again } = await openStore(live, { bootId: BEFORE });
      const log = firstLog(again.topic("t"));
      fill(log, 10);
      const { epoch } = log;
      await again.close();
      if (options.isKilled) {
        const { store: third } = await stores.open(live);
        fill(firstLog(third.topic("t")), 1);
        copyAsKilled(live, dead);
      } else copyAsKilled(live, dead);
      writeFileSync(onlyLogFile(dead), former);
      return epoch;
    }

    it.each([true, false])(
      "gives no offset again in the epoch that had it (the hub was killed: %s)",
      async (isKilled) => {
        const epoch = await putBack({ isKilled });
        const { store, events } = await stores.open(dead);
        const log = firstLog(store.topic("t"));
        fillAgain(log, 1);
        expect(log.lineage).toMatchObject([{ epoch, first: 0 }, { first: 20 }]);
        expect(events).toContainEqual(
          expect.objectContaining({ type: "recovered", cutRecords: 10, newEpoch: log.epoch }),
        );
        expect(readAll(log).seen.map((record) => [record.offset, record.epoch === epoch])).toEqual(
          upTo(21).map((offset) => [offset, offset < 20]),
        );
      },
    );

    it("gives no offset again when it has an epoch less", async () => {
      const { store } = await stores.open(live);
      const log = firstLog(store.createTopic("t", SMALL));
      fill(log, 30);
      const former = readFileSync(onlyLogFile(live));
      copyAsKilled(live, dead);
      write(onlyLogFile(dead), placeOf(20), new Uint8Array(8));
      const cut = await openStore(dead, { bootId: AFTER });
      const second = firstLog(cut.store.topic("t")).epoch;
      fill(firstLog(cut.store.topic("t")), 5);
      await cut.store.close();
      writeFileSync(onlyLogFile(dead), former);
      const { store: after } = await stores.open(dead);
      const found = firstLog(after.topic("t"));
      fillAgain(found, 1);
      expect(found.lineage.map(({ first }) => first)).toEqual([0, 30]);
      expect([log.epoch, second]).not.toContain(found.epoch);
    });

    it("is noticed when it takes the file's place while the log is let go", async () => {
      const { store } = await stores.open(live, { maxMappedLogs: 1, syncIntervalMs: 1 });
      const log = firstLog(store.createTopic("t", SMALL));
      fill(log, 20);
      const former = readFileSync(onlyLogFile(live));
      fill(log, 10);
      const { epoch } = log;
      await log.synced();
      for (const name of ["u", "v", "w"]) {
        const other = firstLog(store.createTopic(name, SMALL));
        fill(other, 1);
        await other.synced();
      }
      expect(store.counters.unmappedLogs).toBeGreaterThan(1);
      const file = join(live, "logs", "t.t.0.ring");
      rmSync(file);
      writeFileSync(file, former);
      fillAgain(log, 1);
      expect(log.lineage).toMatchObject([{ epoch, first: 0 }, { first: 20 }]);
    });
  });
});
