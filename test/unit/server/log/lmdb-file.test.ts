import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Change } from "../../../../server/src/log/catalogue/changes.js";
import { isPlausibleLmdb } from "../../../../server/src/log/catalogue/lmdb-file.js";
import { LmdbTables } from "../../../../server/src/log/catalogue/lmdb-tables.js";
import { randomOf } from "../../../support/random.js";
import { SMALL } from "../../../support/log-store.js";
import { tempDir } from "../../../support/temp-dir.js";

const PAGE_BYTES = 4_096;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const MOST_TRANSACTIONS = 200;
const TOPIC = {
  config: { ...SMALL, partitions: 1 },
  partitions: [
    {
      lineage: [{ epoch: "e", first: 0 }],
      head: 0,
      tail: 0,
      headAddress: 0,
      tailAddress: 0,
      lastTimestamp: 0,
      bytes: 0,
    },
  ],
  run: 1,
};

/** Pages that the newest meta page counts and the file doesn't have. */
function pagesMissing(path: string): number {
  const bytes = readFileSync(path);
  const [one, two] = [bytes, bytes.subarray(PAGE_BYTES)] as const;
  const newest = one.readBigUInt64LE(TRANSACTION_AT) > two.readBigUInt64LE(TRANSACTION_AT) ? one : two;
  return Number(newest.readBigUInt64LE(LAST_PAGE_AT)) + 1 - bytes.length / PAGE_BYTES;
}

/** Topics that come and mostly go in the same transaction, with producers whose state takes pages of its own. */
function* comingAndGoing(): Generator<Change[]> {
  const random = randomOf(1);
  for (let number = 0; number < MOST_TRANSACTIONS; number++) {
    const names = Array.from({ length: 1 + random.below(20) }, (_, n) => `t-${number}-${n}`);
    const producers = () =>
      Array.from({ length: random.below(60) }, (_, n) => ({
        id: `p${n}`,
        state: String(n % 10).repeat(random.below(9_000)),
      }));
    const deletion = { epochs: ["e"], deletedMs: 0, run: 1 };
    yield [
      ...names.flatMap((name): Change[] => [
        { do: "put", name, topic: TOPIC },
        { do: "producers", name, producers: producers() },
      ]),
      ...names.filter(() => !random.oneIn(3)).map((name): Change => ({ do: "delete", name, partitions: 1, deletion })),
    ];
  }
}

/** A catalogue whose last pages were freed before they were written. */
async function shortCatalogue(path: string): Promise<{ readonly topics: number; readonly file: string }> {
  const file = join(path, "data.mdb");
  const tables = new LmdbTables(path);
  let settled = 0;
  for (const changes of comingAndGoing()) {
    tables.apply(changes, settled++);
    if (pagesMissing(file) > 0) break;
  }
  const topics = tables.topicCount;
  await tables.close();
  expect(pagesMissing(file)).toBeGreaterThan(0);
  return { topics, file };
}

describe("the catalogue's file", () => {
  it("is sound though its last pages were freed before anybody wrote them", async () => {
    using root = tempDir();
    const path = join(root.path, "catalogue");
    const { topics } = await shortCatalogue(path);

    const again = new LmdbTables(path);

    const names = [...again.topicNames(undefined)];
    expect(names).toHaveLength(topics);
    for (const name of names) {
      expect(again.topic(name)).toEqual(TOPIC);
      for (const { state } of again.producers(name)) expect(state.every((byte) => byte === state[0])).toBe(true);
    }
    await again.close();
  });

  it("is refused when a page that is in use has gone with its end, wherever it was cut", async () => {
    using root = tempDir();
    const { file } = await shortCatalogue(join(root.path, "catalogue"));
    const bytes = readFileSync(file);
    const copy = join(root.path, "cut", "data.mdb");
    mkdirSync(dirname(copy));
    let sound = 0;
    const cuts = Array.from({ length: 40 }, (_, n) => Math.floor((statSync(file).size * n) / 40));
    for (const length of cuts) {
      writeFileSync(copy, bytes);
      truncateSync(copy, length);
      if (isPlausibleLmdb(copy)) sound++;
    }
    expect(sound).toBe(0);
  });
});
