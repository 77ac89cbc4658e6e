/** A catalogue that isn't this directory's, or says what can't be. lmdb has no checks over what it keeps. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { describe, expect, it } from "vitest";
import { append, firstLog, message, openStore, readAll, SMALL } from "../../support/log-store.js";
import { useStores } from "./stores.js";

const stores = useStores();

/** A closed directory with these topics, a record in each. */
async function directory(name: string, topics: readonly string[]): Promise<string> {
  const path = stores.path(name);
  const { store } = await openStore(path);
  for (const topic of topics) append(firstLog(store.createTopic(topic, SMALL)), [message(`${name} ${topic}`)]);
  await store.close();
  return path;
}

describe("the catalogue of another directory", () => {
  it("gives no topic the records of another one of its name: its file is refused by name, and left alone", async () => {
    const mine = await directory("mine", ["shared", "own"]);
    const theirs = await directory("theirs", ["shared", "other"]);
    rmSync(join(mine, "catalogue"), { recursive: true });
    cpSync(join(theirs, "catalogue"), join(mine, "catalogue"), { recursive: true });

    const { store } = await stores.open(mine);

    const shared = firstLog(store.topic("shared"));
    expect(() => append(shared, [message("new")])).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(shared.failure?.message).toMatch(/holds epoch .*, expected/);
    expect(store.topic("own")).toBeUndefined();
    const other = firstLog(store.topic("other"));
    expect(() => append(other, [message("missing")])).toThrow(expect.objectContaining({ code: "unavailable" }));
    append(other, [message("anew")]);
    expect(readAll(other).seen).toMatchObject([{ offset: 0, data: "anew" }]);
  });
});

describe("a row of the catalogue that says what can't be", () => {
  const rows: Record<string, (row: Record<string, unknown>) => unknown> = {
    "has no partitions": ({ config }) => ({ config }),
    "has fewer of them than its configuration says": (row) => ({ ...row, config: { ...SMALL, partitions: 2 } }),
    "has no configuration": ({ partitions }) => ({ partitions }),
    "has a partition without epochs": ({ config }) => ({ config, partitions: [{ head: 1, tail: 0, lineage: [] }] }),
    "has a tail beyond its head": ({ config, partitions }) => ({
      config,
      partitions: [{ ...(partitions as object[])[0], tail: 2 }],
    }),
    "is a number": () => 7,
  };
  it.each(Object.entries(rows))("is told as damage when it %s, and the other topics serve", async (_, damage) => {
    const path = await directory("data", ["damaged", "whole"]);
    const lmdb = open({ path: join(path, "catalogue"), maxDbs: 16 });
    const topics = lmdb.openDB<unknown, string>({ name: "topics" });
    await topics.put("damaged", damage(topics.get("damaged") as Record<string, unknown>));
    await lmdb.close();

    const { store } = await stores.open(path);

    expect(() => store.topic("damaged")).toThrow("damaged: restore the data directory from a backup");
    const whole = firstLog(store.topic("whole"));
    append(whole, [message("goes on")]);
    expect(readAll(whole).seen).toHaveLength(2);
  });
});
