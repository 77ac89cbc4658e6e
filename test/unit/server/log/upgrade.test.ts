import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { open } from "lmdb";
import { describe, expect, it } from "vitest";
import type { ProducerMark } from "@ringcast/protocol";
import { FORMAT_VERSION } from "../../../../server/src/log/file-header.js";
import { checkDirectory, type LogStore } from "../../../../server/src/log/index.js";
import { append, firstLog, message, onlyLogFile, openStore, readAll, SMALL } from "../../../support/log-store.js";
import { type OldData, unpackOldData } from "../../../support/old-data.js";
import { tempDir } from "../../../support/temp-dir.js";

/** Every record that the old hub told is there, byte for byte, at its position; volatile topics are empty. */
function expectAll(store: LogStore, old: OldData, isSameBoot: boolean): void {
  expect([...store.topicNames()]).toEqual(Object.keys(old.topics).sort());
  for (const [name, { config, partitions, messages }] of Object.entries(old.topics)) {
    const topic = store.topic(name);
    expect(topic?.config).toEqual(config);
    for (const [i, log] of (topic?.partitions ?? []).entries()) {
      const { seen, holes } = readAll(log);
      expect(holes).toEqual([]);
      if (config.storage === "memory") {
        expect([log.head, log.epoch === partitions[i]?.epoch]).toEqual([0, false]);
        continue;
      }
      expect([log.tail, log.head]).toEqual([partitions[i]?.tail, partitions[i]?.head]);
      if (isSameBoot) expect(log.epoch).toBe(partitions[i]?.epoch);
      else expect(log.lineage.map(({ epoch }) => epoch)).toContain(partitions[i]?.epoch);
      const told = (messages[i] ?? []).map(({ offset, timestamp, data }) => ({
        offset,
        timestamp,
        data: textOf(data),
      }));
      expect(seen.map(({ offset, timestamp, data }) => ({ offset, timestamp, data: parsed(data) }))).toEqual(told);
    }
  }
}

/** Bytes come back as text here and as `$bytes` there. */
function textOf(data: unknown): unknown {
  if (typeof data !== "object" || data === null || !("$bytes" in data)) return data;
  return Buffer.from(String(data.$bytes), "base64").toString();
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    // Text and bytes are what they are.
    return data;
  }
}

const repeat: ProducerMark = { id: "p-1", sequence: 2, digest: 0 };

describe("a data directory of hub 0.1.0", () => {
  it.each(["closed", "killed"] as const)("is opened whole when it was %s", async (ending) => {
    using root = tempDir();
    const data = join(root.path, "data");
    const old = unpackOldData(data, ending);
    const { store, events } = await openStore(data, { bootId: old.bootId });
    expectAll(store, old, true);
    expect(events.filter(({ type }) => type !== "recovered")).toEqual([]);
    // Another digest under a known sequence: the producer's state is there.
    expect(store.topic("producers")?.judge(repeat, [0, 1])).toEqual({ kind: "conflict" });
    expect(store.topic("old-producer")?.judge({ id: "p1", sequence: 0, digest: 0 }, [0]).kind).toBe("conflict");
    expect(store.epochsAfterDeletion("deleted")?.[0]).toMatch(/^[\w-]{12}$/);
    await store.close();
  });

  it("keeps everything after a power cut, too, and is what this hub wrote from then on", async () => {
    using root = tempDir();
    const data = join(root.path, "data");
    const old = unpackOldData(data, "killed");
    const { store } = await openStore(data, { bootId: "f".repeat(32) });
    expectAll(store, old, false);
    const log = firstLog(store.topic("plain"));
    append(log, [message("of the new hub")], 2_000_000_000_000);
    await store.close();
    const again = await openStore(data);
    expect(readAll(firstLog(again.store.topic("plain"))).seen.at(-1)).toMatchObject({ data: "of the new hub" });
    expect(again.events).toEqual([]);
    await again.store.close();
  });

  it("is found in order by a check, which changes nothing", async () => {
    using root = tempDir();
    const data = join(root.path, "data");
    const old = unpackOldData(data, "closed");
    const report = await checkDirectory(data);
    expect(report.problems).toEqual([]);
    const stored = Object.values(old.topics).filter(({ config }) => config.storage === "file");
    expect(report.records).toBe(stored.flatMap(({ messages }) => messages.flat()).length);
    expect([report.topics, report.logs]).toEqual([Object.keys(old.topics).length, 10]);
    const { store } = await openStore(data, { bootId: old.bootId });
    expectAll(store, old, true);
    await store.close();
  });
});

describe("a data directory of a newer hub", () => {
  it("is refused by a catalogue of another format, with both versions", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    store.createTopic("t", SMALL);
    await store.close();
    const catalogue = open({ path: join(root.path, "catalogue"), maxDbs: 16 });
    const meta = catalogue.openDB<number, string>({ name: "meta" });
    const format = meta.get("format") as number;
    await meta.put("format", format + 7);
    await catalogue.close();
    await expect(openStore(root.path)).rejects.toMatchObject({
      details: { field: "data" },
      message: expect.stringMatching(`has format ${format + 7}, this hub knows ${format}: `) as string,
    });
  });

  it("is refused by a log of another format, with both versions, and left alone", async () => {
    using root = tempDir();
    const { store } = await openStore(root.path);
    append(firstLog(store.createTopic("t", SMALL)), [message("x")]);
    await store.close();
    const path = onlyLogFile(root.path);
    const file = readFileSync(path);
    for (const copy of [0, 4_096]) {
      file.writeUInt32LE(FORMAT_VERSION + 7, copy + 8);
      file.writeUInt32LE(0, copy + 12);
      file.writeUInt32LE(crc32(file.subarray(copy, copy + 4_096)), copy + 12);
    }
    writeFileSync(path, file);
    const again = await openStore(root.path);
    const sentence = `has format version ${FORMAT_VERSION + 7}, this hub knows ${FORMAT_VERSION}: `;
    expect(() => append(firstLog(again.store.topic("t")), [message("y")])).toThrow(sentence);
    await again.store.close();
    expect(readFileSync(path).equals(file)).toBe(true);
    expect((await checkDirectory(root.path)).problems).toMatchObject([
      { severity: "damage", what: expect.stringContaining(String(FORMAT_VERSION + 7)) as string },
    ]);
  });
});
