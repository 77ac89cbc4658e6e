import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LogStore, StoredTopic } from "../../server/src/log/index.js";
import { copyAsKilled, openStore, readAll } from "../support/log-store.js";
import { tempDir } from "../support/temp-dir.js";
import { dataOf } from "../fault/log/appended.js";
import { appenderProgram } from "../fault/log/appender-program.js";

const DIRECTORIES = 4;
/** Six are every kind of death and look; more find what is rare, where there is time. */
const KILLS_PER_DIRECTORY = process.env["CI"] === undefined ? 6 : 25;
const LONGEST_LIFE_MS = 25;

let program: Awaited<ReturnType<typeof appenderProgram>>;
beforeAll(async () => {
  program = await appenderProgram();
});
afterAll(() => program[Symbol.dispose]());

/** Everything that a killed process had acknowledged. */
interface Acknowledged {
  readonly heads: [number, number];
  readonly marks: Map<number, { partition: number; first: number; count: number }>;
  readonly topics: Map<string, string | undefined>;
  nextMark: number;
  nextTopic: number;
}

/** Half of the directories are written without mapping; each is opened now with and now without. */
async function appendUntilKilled(
  directory: string,
  acknowledged: Acknowledged,
  { lifeMs, region }: { readonly lifeMs: number; readonly region: "mapped" | "file" },
): Promise<void> {
  const args = [program.path, directory, String(acknowledged.nextMark), String(acknowledged.nextTopic), region];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    // The moment of death is at random, counted from the first acknowledgement.
    if (text === "") setTimeout(() => child.kill("SIGKILL"), lifeMs);
    text += chunk;
  });
  const closed = once(child.stdout, "close");
  const [, signal] = (await exit) as [number | null, string | null];
  await closed;
  expect(signal).toBe("SIGKILL");
  for (const line of text.split("\n").slice(0, -1)) note(line.split(" "), acknowledged);
}

function note([what, ...rest]: readonly string[], acknowledged: Acknowledged): void {
  const [a, b, c, d] = rest.map(Number) as [number, number, number, number];
  if (what === "append") acknowledged.heads[a as 0 | 1] = b;
  else if (what === "mark") {
    acknowledged.marks.set(a, { partition: b, first: c, count: d });
    acknowledged.nextMark = a + 1;
  } else {
    acknowledged.topics.set(rest[0] as string, what === "delete" ? rest[1] : undefined);
    acknowledged.nextTopic = Number((rest[0] as string).slice(1)) + 1;
  }
}

function verify(store: LogStore, acknowledged: Acknowledged): void {
  const topic = store.topic("t") as StoredTopic;
  topic.partitions.forEach((log, partition) => {
    expect(log.head).toBeGreaterThanOrEqual(acknowledged.heads[partition as 0 | 1]);
    const { seen, holes } = readAll(log);
    expect(holes).toEqual([]);
    expect(seen.map(({ offset }) => offset)).toEqual(
      Array.from({ length: log.head - log.tail }, (_, i) => log.tail + i),
    );
    for (const { offset, data, epoch } of seen) {
      const [, , first, count] = data.split(":").map(Number) as [number, number, number, number];
      if (data !== dataOf(partition, offset, first, count)) throw new Error(`${offset} holds ${data}`);
      if (first + count > log.head) throw new Error(`only a part of the batch at ${first} is there`);
      if (epoch !== log.epoch) throw new Error(`${offset} is of epoch ${epoch}`);
    }
    expect(log.lineage).toHaveLength(1);
    // An unacknowledged batch may be there, whole, and goes on being there.
    acknowledged.heads[partition as 0 | 1] = log.head;
  });
  verifyMarks(topic, acknowledged);
  for (const [name, epoch] of acknowledged.topics) {
    if (epoch === undefined && store.epochsAfterDeletion(name) === undefined) expect(store.topic(name)).toBeDefined();
    if (epoch !== undefined)
      expect([store.topic(name), store.epochsAfterDeletion(name)?.[0]]).toEqual([undefined, epoch]);
  }
}

function verifyMarks(topic: StoredTopic, { marks, nextMark }: Acknowledged): void {
  for (const [sequence, { partition, first, count }] of marks) {
    const verdict = topic.judge({ id: "p", sequence, digest: sequence }, [partition]);
    expect(verdict.kind).toBe("duplicate");
    if (verdict.kind !== "duplicate" || sequence < nextMark - 1_000) continue;
    expect(verdict.reply?.offsets).toEqual([{ partition, epoch: topic.partitions[partition]?.epoch, first, count }]);
  }
  if (nextMark > 0) expect(topic.judge({ id: "p", sequence: nextMark - 1, digest: -1 }, [0]).kind).toBe("conflict");
  expect(topic.judge({ id: "p", sequence: nextMark + 2, digest: 0 }, [0])).toMatchObject({ kind: "skipped" });
}

describe("a log whose process is killed", () => {
  it(`holds exactly what was acknowledged, ${DIRECTORIES * KILLS_PER_DIRECTORY} times`, async () => {
    using root = tempDir();
    const lives = Array.from({ length: DIRECTORIES }, async (_, life) => {
      const directory = join(root.path, String(life));
      mkdirSync(directory);
      const acknowledged: Acknowledged = {
        heads: [0, 0],
        marks: new Map(),
        topics: new Map(),
        nextMark: 0,
        nextTopic: 0,
      };
      for (let kill = 0; kill < KILLS_PER_DIRECTORY; kill++) {
        const region = life % 2 === 0 ? "mapped" : "file";
        await appendUntilKilled(directory, acknowledged, { lifeMs: Math.random() * LONGEST_LIFE_MS, region });
        // Now and then a look at a copy alone: the next process has to cope with what two deaths left.
        const isCopy = kill % 3 === 0;
        const place = isCopy ? join(root.path, `${life}-${kill}`) : directory;
        if (isCopy) copyAsKilled(directory, place);
        const { store } = await openStore(place, { mmap: kill % 2 === 0 });
        verify(store, acknowledged);
        await store.close();
      }
      return acknowledged;
    });
    const all = await Promise.all(lives);
    expect(Math.min(...all.map(({ heads }) => heads[0]))).toBeGreaterThan(20 * KILLS_PER_DIRECTORY);
    expect(Math.min(...all.map(({ marks }) => marks.size))).toBeGreaterThan(2 * KILLS_PER_DIRECTORY);
  }, 120_000);
});
