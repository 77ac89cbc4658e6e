import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FILE_HEADER_BYTES } from "../../../server/src/log/file-header.js";
import { checkDirectory, type CheckReport } from "../../../server/src/log/index.js";
import { append, copyAsKilled, firstLog, message, openStore, SMALL } from "../../support/log-store.js";
import { tempDir } from "../../support/temp-dir.js";

const RECORDS = 30;
const RECORD_BYTES = 72;
let root: ReturnType<typeof tempDir>;
let data: string;
let file: string;

/** Two topics of 30 records, closed. */
beforeEach(async () => {
  root = tempDir();
  data = join(root.path, "data");
  file = join(data, "logs", "t.a.0.ring");
  const { store } = await openStore(data);
  for (const name of ["a", "b"]) {
    const log = firstLog(store.createTopic(name, SMALL));
    for (let i = 0; i < RECORDS; i++) append(log, [message(`record ${i}`.padEnd(24))], 1_000 + i);
  }
  await store.close();
});
afterEach(() => root[Symbol.dispose]());

function write(at: number, bytes: readonly number[]): void {
  const fd = openSync(file, "r+");
  writeSync(fd, Uint8Array.from(bytes), 0, bytes.length, at);
  closeSync(fd);
}

async function check(): Promise<CheckReport["problems"]> {
  return (await checkDirectory(data)).problems;
}

describe("a check of a data directory", () => {
  it("counts what is whole, tells how far it has come, and changes no byte", async () => {
    const before = fingerprint();
    const seen: number[] = [];
    const report = await checkDirectory(data, { onProgress: ({ doneBytes }) => void seen.push(doneBytes) });
    expect(report).toMatchObject({ directory: data, topics: 2, logs: 2, records: 60, problems: [] });
    expect(seen).toEqual([0, statSync(file).size, 2 * statSync(file).size]);
    expect(fingerprint()).toEqual(before);
  });

  it("names the damaged records, and counts the others", async () => {
    const place = (record: number): number => FILE_HEADER_BYTES + record * RECORD_BYTES;
    write(place(3) + 50, [0xff]);
    write(place(10) + 4, [0xff, 0xff]);
    write(place(11) + 4, [0xff, 0xff]);
    const report = await checkDirectory(data);
    expect(report.problems).toMatchObject([
      { severity: "damage", topic: "a", partition: 0, file, from: 3, to: 3 },
      { severity: "damage", topic: "a", partition: 0, file, from: 10, to: 11 },
    ]);
    expect(report.records).toBe(57);
  });

  it("knows what was cut off, and a header or head words that are damaged", async () => {
    truncateSync(file, FILE_HEADER_BYTES + 20 * RECORD_BYTES);
    expect(await check()).toMatchObject([
      { what: expect.stringContaining("It was cut") as string },
      { from: 20, to: 29 },
    ]);
    write(8_192, new Array<number>(256).fill(1));
    expect(await check()).toMatchObject([{ what: "Its head words are damaged." }, { severity: "damage" }]);
    write(0, new Array<number>(8_192).fill(0));
    expect(await check()).toMatchObject([{ what: "Neither copy of its header is intact." }]);
    truncateSync(file, 10);
    expect(await check()).toMatchObject([{ what: expect.stringContaining("10 bytes") as string }]);
    rmSync(file);
    expect(await check()).toMatchObject([{ what: "The file is missing.", from: 0, to: 29 }]);
  });

  it("knows files that have changed their names, and those that are nobody's", async () => {
    const other = join(data, "logs", "t.b.0.ring");
    renameSync(file, join(root.path, "a"));
    renameSync(other, file);
    renameSync(join(root.path, "a"), other);
    for (const name of ["t.c.0.ring", "t.a.0.ring.new", "t.a.0.ring.aside-abcdef"])
      writeFileSync(join(data, "logs", name), "x");
    expect((await check()).map(({ severity, what }) => [severity, what])).toEqual([
      ["damage", expect.stringContaining('log of "b"')],
      ["damage", expect.stringContaining('log of "a"')],
      ["note", expect.stringContaining("set aside, 1 bytes")],
      ["note", expect.stringContaining("being made")],
      ["note", expect.stringContaining("No topic")],
    ]);
  });

  it("tells damaged changes of the catalogue, and a catalogue that can't be read by its own name", async () => {
    const { store } = await openStore(data);
    for (const name of ["c", "d"]) store.createTopic(name, SMALL);
    const killed = join(root.path, "killed");
    copyAsKilled(data, killed);
    await store.close();
    const journal = join(killed, "catalogue", "journal.0");
    const bytes = readFileSync(journal);
    bytes[20] = 0;
    writeFileSync(journal, bytes);
    const { problems, topics } = await checkDirectory(killed);
    expect(problems).toMatchObject([
      { severity: "damage", file: journal, what: expect.stringContaining("byte 0") as string },
    ]);
    expect(topics).toBe(3);
    truncateSync(join(killed, "catalogue", "data.mdb"), 0);
    await expect(checkDirectory(killed)).rejects.toThrow(join(killed, "catalogue"));
  });

  it("notes a log that was not closed", async () => {
    const { store } = await openStore(data);
    append(firstLog(store.topic("a")), [message("x")], 5_000);
    const killed = join(root.path, "killed");
    copyAsKilled(data, killed);
    await store.close();
    const report = await checkDirectory(killed);
    expect(report.problems).toMatchObject([{ severity: "note", topic: "a", what: "It was not closed." }]);
    expect(report.records).toBe(61);
  });

  it("ends early when it is told to", async () => {
    const report = await checkDirectory(data, { signal: AbortSignal.abort() });
    expect(report).toMatchObject({ logs: 0, records: 0 });
  });

  it("refuses a directory that a hub has, and one that is none", async () => {
    const { store } = await openStore(data);
    await expect(checkDirectory(data)).rejects.toMatchObject({ code: "unavailable", details: { field: "data" } });
    await store.close();
    await expect(checkDirectory(join(root.path, "nowhere"))).rejects.toMatchObject({ details: { field: "data" } });
  });
});

/** All files but the lock, which has the process's number inside. */
function fingerprint(): unknown {
  const names = readdirSync(data, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(data, name)).isFile(),
  );
  return names
    .filter((name) => !/lock(\.mdb)?$/.test(name))
    .map((name) => [name, readFileSync(join(data, name)).toString("base64")]);
}
