/** What somebody does to a log's file behind the hub's back, while the hub has it open. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FILE_HEADER_BYTES } from "../../../server/src/log/file-header.js";
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
  type TestStore,
} from "../../support/log-store.js";
import { tempDir, type TempDir } from "../../support/temp-dir.js";
import { openFilled } from "./stores.js";

const RECORDS = 100;
const PAGE_BYTES = 4_096;

let root: TempDir;
let data: string;
let file: string;
let opened: TestStore;
let log: RingLog;

beforeEach(async () => {
  root = tempDir();
  data = join(root.path, "data");
  ({ log, ...opened } = await openFilled(data, RECORDS));
  await log.synced();
  file = onlyLogFile(data);
});
afterEach(async () => {
  await opened.store.close();
  root[Symbol.dispose]();
});

/** What the next process finds when this one is killed now. */
async function afterKill(): Promise<{
  readonly offsets: readonly number[];
  readonly epochs: number;
  readonly types: string[];
}> {
  const dead = join(root.path, "dead");
  copyAsKilled(data, dead);
  const { store, events } = await openStore(dead);
  const again = firstLog(store.topic("t"));
  const offsets = readAll(again).seen.map(({ offset }) => offset);
  await store.close();
  return { offsets, epochs: again.lineage.length, types: events.map(({ type }) => type) };
}

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, offset) => offset);
}

const typesOf = (): string[] => opened.events.map(({ type }) => type).filter((type) => type !== "synced");

inEachRegion(() => {
  describe("the file of a log in use", () => {
    const losses: Record<string, () => void> = {
      "is removed": () => rmSync(file),
      "is renamed": () => renameSync(file, `${file}.elsewhere`),
      "is replaced by a copy of itself": () => {
        copyFileSync(file, `${file}.copy`);
        renameSync(`${file}.copy`, file);
      },
      "is replaced by something else": () => {
        rmSync(file);
        writeFileSync(file, "not a log");
      },
    };
    it.each(Object.entries(losses))(
      "%s: nothing is acknowledged as synced before all of it is written anew",
      async (_, lose) => {
        lose();
        append(log, [message("into the void")]);

        await expect(log.synced()).rejects.toMatchObject({ code: "unavailable" });

        expect(log.failure?.message).toContain("removed, renamed or replaced");
        await vi.waitUntil(() => log.failure === undefined);
        append(log, [message("goes on")]);
        await log.synced();
        expect(typesOf().filter((type) => type !== "set-aside")).toEqual(["failed", "healthy"]);
        expect(await afterKill()).toEqual({ offsets: upTo(RECORDS + 2), epochs: 1, types: ["recovered"] });
      },
    );

    it("keeps what was put in its place beside it", async () => {
      rmSync(file);
      writeFileSync(file, "somebody's own");
      append(log, [message("noticed")]);
      await expect(log.synced()).rejects.toMatchObject({ code: "unavailable" });
      await vi.waitUntil(() => log.failure === undefined);
      expect(readdirSync(join(data, "logs")).filter((name) => name.includes(".aside-"))).toHaveLength(1);
    });

    it("is written anew once its folder is back; until then publishes are refused and readers go on", async () => {
      renameSync(join(data, "logs"), join(data, "elsewhere"));
      append(log, [message("into the void")]);
      await expect(log.synced()).rejects.toMatchObject({ code: "unavailable" });
      expect(() => append(log, [message("refused")])).toThrow(expect.objectContaining({ code: "unavailable" }));
      expect(readAll(log).seen).toHaveLength(RECORDS + 1);
      mkdirSync(join(data, "logs"));
      await vi.waitUntil(() => log.failure === undefined, { timeout: 5_000 });
      expect((await afterKill()).offsets).toEqual(upTo(RECORDS + 1));
    });

    it("is of no interest any more when its topic was deleted", async () => {
      append(log, [message("last")]);
      const synced = log.synced().catch(() => undefined);
      opened.store.deleteTopic("t");
      await synced;
      expect(typesOf()).toEqual([]);
    });

    it("goes on when its rights are taken away", async () => {
      chmodSync(file, 0);
      append(log, [message("goes on")]);
      await log.synced();
      expect([typesOf(), readAll(log).seen.length]).toEqual([[], RECORDS + 1]);
    });
  });

  describe("a log's file that is missing at the next start", () => {
    it("is told, and the log begins anew in another epoch", async () => {
      await opened.store.close();
      rmSync(file);
      opened = await openStore(data);
      log = firstLog(opened.store.topic("t"));
      expect(readAll(log).seen).toEqual([]);
      expect(opened.events).toEqual([{ type: "missing", topic: "t", partition: 0, file }]);
    });
  });
});

describe("a hole in the file of a mapped log", () => {
  it("is a gap at once, and what stands beside it can be read", () => {
    const range = ["--offset", String(FILE_HEADER_BYTES), "--length", String(PAGE_BYTES)];
    execFileSync("fallocate", ["--punch-hole", ...range, file]);
    const whole = Math.ceil(PAGE_BYTES / 72);
    expect(readAll(log).holes).toEqual([{ from: 0, to: whole - 1 }]);
    expect(readAll(log).seen.map(({ offset }) => offset)).toEqual(upTo(RECORDS).slice(whole));
  });
});
