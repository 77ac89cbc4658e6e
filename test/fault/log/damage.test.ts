import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { FILE_HEADER_BYTES, FORMAT_VERSION } from "../../../server/src/log/file-header.js";
import type { RingLog } from "../../../server/src/log/index.js";
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
import { AFTER, BEFORE, dataAt, fill, RECORD_BYTES, useStores } from "./stores.js";

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("skipped: a device in place of a log needs root");

const RECORDS = 30;
const stores = useStores();

/** A log of thirty records, as a hub that was killed leaves it, and damaged since. */
async function killed(damage: (file: string) => void): Promise<string> {
  const live = stores.path("live");
  const dead = stores.path("dead");
  const { store } = await stores.open(live, { bootId: BEFORE });
  const log = firstLog(store.createTopic("t", SMALL));
  fill(log, RECORDS);
  copyAsKilled(live, dead);
  damage(onlyLogFile(dead));
  return dead;
}

function addressOf(offset: number): number {
  return FILE_HEADER_BYTES + offset * RECORD_BYTES;
}

function flip(file: string, at: number, mask = 1): void {
  const fd = openSync(file, "r+");
  const byte = new Uint8Array(1);
  readSync(fd, byte, 0, 1, at);
  writeSync(fd, Uint8Array.of((byte[0] as number) ^ mask), 0, 1, at);
  closeSync(fd);
}

function offsetsOf(log: RingLog): number[] {
  return readAll(log).seen.map(({ offset }) => offset);
}

function without(...missing: readonly number[]): number[] {
  return Array.from({ length: RECORDS }, (_, offset) => offset).filter((offset) => !missing.includes(offset));
}

describe("a mapped log file in which a bit is flipped under the log", () => {
  it("loses just the record that it is in, at every byte of the first, a middle and the newest one", async () => {
    const { store } = await stores.open(stores.path("live"));
    const log = firstLog(store.createTopic("t", SMALL));
    fill(log, RECORDS);
    const file = onlyLogFile(stores.path("live"));
    for (const offset of [0, 15, RECORDS - 1]) {
      for (let byte = 0; byte < RECORD_BYTES; byte++) {
        const at = addressOf(offset) + byte;
        flip(file, at, 1 << (byte % 8));
        expect(readAll(log)).toMatchObject({ holes: [{ from: offset, to: offset }] });
        expect(offsetsOf(log)).toEqual(without(offset));
        flip(file, at, 1 << (byte % 8));
      }
    }
    expect(offsetsOf(log)).toEqual(without());
  });
});

inEachRegion(() => {
  describe("a log file with a flipped bit", () => {
    it("is opened with that record as a gap", async () => {
      const dead = await killed((file) => flip(file, addressOf(7) + 4));
      const { store, events } = await stores.open(dead, { bootId: BEFORE });
      expect(events).toContainEqual({ type: "corrupt", topic: "t", partition: 0, from: 7, to: 7 });
      expect(readAll(firstLog(store.topic("t")))).toMatchObject({ holes: [{ from: 7, to: 7 }] });
      expect(firstLog(store.topic("t")).head).toBe(RECORDS);
    });

    it("goes by the other copy when one copy of the header is damaged", async () => {
      for (const copy of [0, 4_096]) {
        const dead = await killed((file) => flip(file, copy + 30));
        const { store, events } = await stores.open(dead, { bootId: BEFORE });
        expect(events).toMatchObject([{ type: "recovered", records: RECORDS, newEpoch: undefined }]);
        expect(offsetsOf(firstLog(store.topic("t")))).toEqual(without());
        rmSync(dead, { recursive: true });
        rmSync(stores.path("live"), { recursive: true });
      }
    });

    it("finds head and tail by itself when the head words are damaged, and begins an epoch", async () => {
      for (const at of [8_192, 8_256 + 8, 8_320 + 8]) {
        const dead = await killed((file) => {
          flip(file, at, 8);
          if (at !== 8_192) flip(file, at === 8_264 ? 8_328 : 8_264);
        });
        const { store, events } = await stores.open(dead, { bootId: BEFORE });
        expect(events).toMatchObject([{ type: "recovered", records: RECORDS }]);
        const log = firstLog(store.topic("t"));
        expect(log.lineage).toHaveLength(2);
        expect(log.lineage[1]?.first).toBe(RECORDS);
        expect(offsetsOf(log)).toEqual(without());
        rmSync(dead, { recursive: true });
        rmSync(stores.path("live"), { recursive: true });
      }
    });
  });

  describe("a log file that was cut", () => {
    it("keeps its offsets after the death of the process, and says which records are gone", async () => {
      const dead = await killed((file) => truncateSync(file, addressOf(27) + 10));
      const { store, events } = await stores.open(dead, { bootId: BEFORE });
      expect(events).toContainEqual({ type: "corrupt", topic: "t", partition: 0, from: 27, to: 29 });
      const log = firstLog(store.topic("t"));
      expect(readAll(log).holes).toEqual([{ from: 27, to: 29 }]);
      append(log, [message("goes on")]);
      expect(readAll(log, 30).seen).toMatchObject([{ offset: 30, data: "goes on" }]);
    });

    it("has its offsets still when nothing but its header is left", async () => {
      const dead = await killed((file) => truncateSync(file, FILE_HEADER_BYTES));
      const log = firstLog((await stores.open(dead, { bootId: BEFORE })).store.topic("t"));
      expect(readAll(log).holes).toEqual([{ from: 0, to: RECORDS - 1 }]);
      append(log, [message("goes on")]);
      expect(readAll(log, RECORDS).seen).toMatchObject([{ offset: RECORDS, data: "goes on" }]);
    });

    it("cuts a batch that isn't whole", async () => {
      const live = stores.path("live");
      const { store } = await stores.open(live, { bootId: BEFORE });
      const log = firstLog(store.createTopic("t", SMALL));
      append(log, [message(dataAt(0))]);
      append(log, [message(dataAt(1)), message(dataAt(2)), message(dataAt(3))]);
      const dead = stores.path("dead");
      copyAsKilled(live, dead);
      truncateSync(onlyLogFile(dead), addressOf(3));
      const after = firstLog((await stores.open(dead, { bootId: AFTER })).store.topic("t"));
      expect(offsetsOf(after)).toEqual([0]);
    });

    it("is cut at the first bad record behind what was synced, even if good ones follow", async () => {
      const live = stores.path("live");
      const { store } = await stores.open(live, { bootId: BEFORE });
      const log = firstLog(store.createTopic("t", SMALL));
      fill(log, 10);
      await log.synced();
      fill(log, RECORDS - 10);
      const dead = stores.path("dead");
      copyAsKilled(live, dead);
      flip(onlyLogFile(dead), addressOf(5) + 60);
      flip(onlyLogFile(dead), addressOf(20) + 60);
      const { store: after, events } = await stores.open(dead, { bootId: AFTER });
      const cut = firstLog(after.topic("t"));
      expect([cut.head, cut.lineage[1]?.first]).toEqual([20, 20]);
      expect(events).toContainEqual({ type: "corrupt", topic: "t", partition: 0, from: 5, to: 5 });
      expect(readAll(cut).holes).toEqual([{ from: 5, to: 5 }]);
    });
  });

  describe("a file that can't be this log", () => {
    const anew: Record<string, (file: string) => void> = {
      "is empty": (file) => truncateSync(file, 0),
      "has one byte": (file) => truncateSync(file, 1),
      "has a header of zeros": (file) => writeFileSync(file, new Uint8Array(FILE_HEADER_BYTES)),
      "is a symbolic link": (file) => {
        renameSync(file, `${file}.elsewhere`);
        symlinkSync(`${file}.elsewhere`, file);
      },
      "is a directory": (file) => {
        rmSync(file);
        mkdirSync(file);
      },
      "is a FIFO": (file) => {
        rmSync(file);
        execFileSync("mkfifo", [file]);
      },
      ...(isRoot && {
        "is a device": (file: string) => {
          rmSync(file);
          execFileSync("mknod", [file, "c", "1", "3"]);
        },
      }),
    };
    for (const [what, damage] of Object.entries(anew)) {
      it(`is set aside when it ${what}, and the log begins anew in another epoch`, async () => {
        const dead = await killed(damage);
        const before = firstLog(stores.opened[0]?.store.topic("t")).epoch;
        const { store, events } = await stores.open(dead, { bootId: BEFORE });
        const log = firstLog(store.topic("t"));
        expect(events[0]).toMatchObject({ type: "set-aside", topic: "t", partition: 0 });
        expect([log.head, log.epoch === before]).toEqual([0, false]);
        append(log, [message("anew")]);
        expect(offsetsOf(log)).toEqual([0]);
        expect(readdirSync(join(dead, "logs")).some((name) => name.includes(".aside-"))).toBe(true);
      });
    }

    it("begins anew when it is missing", async () => {
      const dead = await killed((file) => rmSync(file));
      const before = firstLog(stores.opened[0]?.store.topic("t")).epoch;
      const log = firstLog((await stores.open(dead, { bootId: BEFORE })).store.topic("t"));
      expect([log.head, log.epoch === before]).toEqual([0, false]);
    });

    it("is refused by name, and left alone, when another version wrote it", async () => {
      const dead = await killed((file) => {
        const bytes = readFileSync(file);
        const other = withVersion(bytes, FORMAT_VERSION + 1);
        writeFileSync(file, other);
      });
      const { store, events } = await stores.open(dead, { bootId: BEFORE });
      const log = firstLog(store.topic("t"));
      expect(events).toMatchObject([{ type: "failed", error: { code: "unavailable" } }]);
      expect(log.failure?.message).toContain(`format version ${FORMAT_VERSION + 1}`);
      expect(() => append(log, [message("x")])).toThrow(expect.objectContaining({ code: "unavailable" }));
    });
  });
});

describe("a data directory", () => {
  it("belongs to one hub at a time", async () => {
    const { store } = await stores.open(stores.path());
    await expect(openStore(stores.path())).rejects.toMatchObject({ code: "unavailable", details: { field: "data" } });
    await store.close();
    await stores.open(stores.path());
  });

  it("is refused when it is a symbolic link", async () => {
    mkdirSync(stores.path("real"));
    symlinkSync(stores.path("real"), stores.path("link"));
    await expect(openStore(stores.path("link"))).rejects.toMatchObject({ details: { field: "data" } });
  });

  for (const [what, damage] of Object.entries({
    "was cut short": (file: string) => truncateSync(file, 20_000),
    "is empty": (file: string) => truncateSync(file, 0),
    "begins with zeros": (file: string) => writeFileSync(file, new Uint8Array(65_536)),
  })) {
    it(`is refused when its catalogue ${what}`, async () => {
      const dead = await killed(() => undefined);
      damage(join(dead, "catalogue", "data.mdb"));
      await expect(openStore(dead)).rejects.toMatchObject({ code: "unavailable", details: { field: "data" } });
      await expect(openStore(dead)).rejects.toThrow("can't be read");
    });
  }

  it("is refused with a sentence when its journal can't be opened", async () => {
    const dead = await killed(() => undefined);
    const journal = join(dead, "catalogue", "journal.1");
    rmSync(journal);
    mkdirSync(journal);
    await expect(openStore(dead)).rejects.toMatchObject({ code: "unavailable", details: { field: "data" } });
  });

  it("is refused when it is a file", async () => {
    writeFileSync(stores.path("file"), "");
    await expect(openStore(stores.path("file"))).rejects.toMatchObject({ details: { field: "data" } });
  });
});

/** The file as another version of the format would have written it: right in its check. */
function withVersion(bytes: Uint8Array, version: number): Uint8Array {
  const other = new Uint8Array(bytes);
  const view = new DataView(other.buffer);
  for (const copy of [0, 4_096]) {
    if (other[copy] === 0) continue;
    view.setUint32(copy + 8, version, true);
    view.setUint32(copy + 12, 0, true);
    view.setUint32(copy + 12, crc32(other.subarray(copy, copy + 4_096)), true);
  }
  return other;
}
