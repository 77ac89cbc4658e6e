import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ByteWriter, CONTENT_TYPE, NO_HEADERS, type NewMessage } from "@ringcast/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openBackup, type BackupEntry } from "../../../../server/src/cli/backup/backup-file.js";
import { openOutput } from "../../../../server/src/cli/backup/output.js";
import { packedEntry, packedHead } from "../../../../server/src/cli/backup/packed-file.js";
import { readLine, toRecord, writeLine, type LineRecord } from "../../../../server/src/cli/backup/record-lines.js";
import {
  decodeRun,
  encodeRun,
  RunBuilder,
  runFrom,
  type RecordRun,
} from "../../../../server/src/cli/backup/record-run.js";
import { StoredRecord } from "../../../../server/src/cli/backup/stored-record.js";
import { tempDir, type TempDir } from "../../../support/temp-dir.js";

const PLACE = { topic: "orders", partition: 2, epoch: "e1" };

let folder: TempDir;
beforeEach(() => {
  folder = tempDir();
});
afterEach(() => {
  folder[Symbol.dispose]();
});

function record(offset: number, data = `{"n":${offset}}`, message: Partial<NewMessage> = {}): LineRecord {
  const whole = {
    contentType: CONTENT_TYPE.json,
    data: Buffer.from(data),
    key: undefined,
    headers: NO_HEADERS,
    ...message,
  };
  return { ...PLACE, offset, timestamp: 1000 + offset, message: whole };
}

function runOf(first: number, count: number): RecordRun {
  const runs = new RunBuilder();
  for (let offset = first; offset < first + count; offset++) {
    const bytes = toRecord(record(offset));
    expect(runs.endBefore(PLACE, offset)).toBeUndefined();
    runs.add(PLACE, offset, bytes, 0, bytes.length);
  }
  return runs.end() as RecordRun;
}

function packed(...runs: RecordRun[]): Buffer {
  const topic = Buffer.from(JSON.stringify({ topic: "orders", config: { partitions: 3 }, partitions: [] }));
  const end = Buffer.from(JSON.stringify({ end: true, records: 0 }));
  return Buffer.concat([
    packedHead(),
    packedEntry(topic),
    ...runs.map((run) => packedEntry(encodeRun(run))),
    packedEntry(end),
  ]);
}

/** What a file hands out before it ends or is found damaged. */
async function entriesOf(bytes: Buffer): Promise<{ readonly entries: BackupEntry[]; readonly error: string }> {
  const path = join(folder.path, "backup");
  writeFileSync(path, bytes);
  const entries: BackupEntry[] = [];
  try {
    await using file = await openBackup(path);
    for await (const entry of file.entries(() => {})) entries.push(entry);
    return { entries, error: "" };
  } catch (error) {
    return { entries, error: (error as Error).message };
  }
}

describe("a run of records", () => {
  test("becomes a delivery frame and a run again", () => {
    const run = runOf(5, 3);
    expect(run).toMatchObject({ ...PLACE, first: 5, next: 8 });
    expect(decodeRun(encodeRun(run))).toEqual({ ...run, records: expect.anything() as unknown });
    expect(Buffer.from(decodeRun(encodeRun(run))?.records ?? []).equals(run.records)).toBe(true);
  });

  test("can be taken from an offset on", () => {
    const run = runOf(5, 3);
    expect(runFrom(run, 0)).toBe(run);
    expect(runFrom(run, 8)).toBeUndefined();
    expect(runFrom(run, 6)).toMatchObject({ first: 6, next: 8 });
    expect(decodeRun(encodeRun(runFrom(run, 7) as RecordRun))).toMatchObject({ first: 7, next: 8 });
  });

  test("ends where offsets, epoch, partition or topic change", () => {
    for (const [place, offset] of [
      [PLACE, 2],
      [{ ...PLACE, epoch: "e2" }, 1],
      [{ ...PLACE, partition: 1 }, 1],
      [{ ...PLACE, topic: "other" }, 1],
    ] as const) {
      const runs = new RunBuilder();
      const bytes = toRecord(record(0));
      runs.add(PLACE, 0, bytes, 0, bytes.length);
      expect(runs.endBefore(place, offset)).toMatchObject({ first: 0, next: 1 });
    }
  });
});

describe("a packed file", () => {
  test("hands out its topics and runs", async () => {
    const { entries, error } = await entriesOf(packed(runOf(0, 3), runOf(3, 2)));
    expect(error).toBe("");
    expect(entries.map((entry) => (entry.kind === "run" ? entry.run.next : entry.topic))).toEqual([
      expect.objectContaining({ name: "orders", config: { partitions: 3 } }),
      3,
      5,
    ]);
  });

  test("is found damaged wherever one bit differs, and hands out nothing behind it", async () => {
    const whole = packed(runOf(0, 2), runOf(2, 2));
    const { entries: all } = await entriesOf(whole);
    for (let at = 0; at < whole.length; at += 3) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at & 7)), at);
      const { entries, error } = await entriesOf(bytes);
      // Zeros between entries belong to none.
      if (error === "") expect(entries).toEqual(all);
      else expect(all.slice(0, entries.length)).toEqual(entries);
      if (error === "") expect(whole.readUInt8(at)).toBe(0);
    }
  });

  test("is found cut off at whatever byte it ends", async () => {
    const whole = packed(runOf(0, 2));
    // The last entry's zeros don't matter.
    const needed = whole.length - 8;
    for (let length = 16; length < needed; length += 5) {
      expect((await entriesOf(whole.subarray(0, length))).error).toMatch(/^Byte \d+: the file is cut off/);
    }
  });
});

describe("a line", () => {
  test.each([
    ["9007199254740993", "a number beyond 2^53"],
    ['{ "a" : "\\ud800" }', "blanks and lone surrogates"],
    ['"line\\u2028"', "text"],
  ])("keeps %s byte for byte", (data) => {
    const { line } = roundTrip(record(7, data));
    expect(line).toBe(`{"topic":"orders","partition":2,"epoch":"e1","offset":7,"timestamp":1007,"data":${data}}\n`);
  });

  test("gives text and bytes their types back", () => {
    const text = roundTrip(record(0, 'say "hi"\n', { contentType: CONTENT_TYPE.text }));
    expect(text.again.message).toMatchObject({ contentType: CONTENT_TYPE.text });
    expect(Buffer.from(text.again.message.data).toString()).toBe('say "hi"\n');
    const bytes = roundTrip(record(0, "\u0000\u0001", { contentType: CONTENT_TYPE.bytes, key: Buffer.from("") }));
    expect(bytes.line).toContain('"key":"","data":{"$bytes":"AAE="}}');
    expect(bytes.again.message).toMatchObject({ contentType: CONTENT_TYPE.bytes });
    expect(bytes.again.message.key).toHaveLength(0);
  });

  test.each([
    "{}",
    "[]",
    "null",
    '{"topic":"..","partition":0,"epoch":"e","offset":0,"timestamp":0,"data":1}',
    '{"topic":"t","partition":-1,"epoch":"e","offset":0,"timestamp":0,"data":1}',
    '{"topic":"t","partition":0,"epoch":"","offset":0,"timestamp":0,"data":1}',
    '{"topic":"t","partition":0,"epoch":"e","offset":1.5,"timestamp":0,"data":1}',
    '{"topic":"t","partition":0,"epoch":"e","offset":0,"timestamp":0}',
    '{"topic":"t","partition":0,"epoch":"e","offset":0,"timestamp":0,"data":1',
    '{"topic":"t","partition":0,"epoch":"e","offset":0,"timestamp":0,"data":1,"key":1}',
  ])("is refused with its number: %s", (line) => {
    expect(() => readLine(Buffer.from(line), "Line 7")).toThrow(/^Line 7 is no record/);
  });

  function roundTrip(from: LineRecord): { readonly line: string; readonly again: LineRecord } {
    const writer = new ByteWriter();
    const bytes = toRecord(from);
    writeLine(writer, from, new StoredRecord(bytes, new DataView(bytes.buffer), 0));
    const line = Buffer.from(writer.take());
    return { line: line.toString(), again: readLine(line, "it") };
  }
});

describe("an output file", () => {
  test("has its name only when it is finished, and nothing is left of one that is not", async () => {
    const file = join(folder.path, "out");
    writeFileSync(file, "before");
    const discarded = await openOutput(file);
    await discarded.write(Buffer.from("half"));
    await discarded.discard();
    expect(readFileSync(file, "utf8")).toBe("before");
    const finished = await openOutput(file);
    await finished.write(Buffer.from("whole"));
    expect(readFileSync(file, "utf8")).toBe("before");
    await finished.finish();
    await finished.discard();
    expect(readFileSync(file, "utf8")).toBe("whole");
  });
});
