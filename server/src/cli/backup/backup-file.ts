/** A backup of either kind as the runs that it holds. */
import { open, type FileHandle } from "node:fs/promises";
import { RingcastError, type TopicConfig } from "@ringcast/protocol";
import { isPackedHead, readPacked } from "./packed-file.js";
import { readLine, toRecord } from "./record-lines.js";
import { RunBuilder, type RecordRun } from "./record-run.js";

const READ_BYTES = 262_144;
const NEWLINE = 0x0a;
const OPEN_BRACE = 0x7b;
/** A longer line is no record: it would have to hold more than any hub takes. */
const MAX_LINE_BYTES = 268_435_456;

/** What is known of a topic before its records come; lines of JSON don't tell it. */
export interface BackupTopic {
  readonly name: string;
  readonly config: Partial<TopicConfig>;
}

export type BackupEntry =
  { readonly kind: "topic"; readonly topic: BackupTopic } | { readonly kind: "run"; readonly run: RecordRun };

export interface BackupFile extends AsyncDisposable {
  readonly bytes: number;
  /**
   * Reads it from the beginning.
   *
   * @param progress told of the byte that has been reached
   * @throws RingcastError `bad_request` where it is damaged; everything before has been handed out
   */
  entries(progress: (at: number) => void): AsyncGenerator<BackupEntry>;
}

/** @throws RingcastError `bad_request` where it can't be read or is none */
export async function openBackup(path: string): Promise<BackupFile> {
  const file = await open(path, "r").catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RingcastError("bad_request", `The file can't be read: ${reason}`, { field: "file" }, { cause });
  });
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new RingcastError("bad_request", "Name a file: this is none.", { field: "file" });
    const head = Buffer.alloc(16);
    await file.read(head, 0, head.length, 0);
    const isPacked = isPackedHead(head);
    if (!isPacked && facts.size > 0 && head[0] !== OPEN_BRACE) {
      throw new RingcastError("bad_request", "This is no backup: neither packed nor lines of JSON.", { field: "file" });
    }
    return {
      bytes: facts.size,
      entries: (progress) => (isPacked ? packedEntries(file, progress) : lineEntries(file, progress)),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* packedEntries(file: FileHandle, progress: (at: number) => void): AsyncGenerator<BackupEntry> {
  for await (const entry of readPacked(file, progress)) if (entry.kind !== "end") yield entry;
}

async function* lineEntries(file: FileHandle, progress: (at: number) => void): AsyncGenerator<BackupEntry> {
  const runs = new RunBuilder();
  let number = 0;
  try {
    for await (const { line, end } of linesOf(file)) {
      number++;
      progress(end);
      if (line.length === 0) continue;
      const record = readLine(line, `Line ${number}`);
      const ended = runs.endBefore(record, record.offset);
      if (ended !== undefined) yield { kind: "run", run: ended };
      const bytes = toRecord(record);
      runs.add(record, record.offset, bytes, 0, bytes.length);
    }
  } finally {
    // What stood before a damaged line is whole.
    const last = runs.end();
    if (last !== undefined) yield { kind: "run", run: last };
  }
}

async function* linesOf(file: FileHandle): AsyncGenerator<{ readonly line: Buffer; readonly end: number }> {
  let pieces: Buffer[] = [];
  let held = 0;
  let place = 0;
  for (;;) {
    const block = Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await file.read(block, 0, READ_BYTES, place);
    const read = block.subarray(0, bytesRead);
    let from = 0;
    for (let at = read.indexOf(NEWLINE); at >= 0; at = read.indexOf(NEWLINE, from)) {
      yield { line: Buffer.concat([...pieces, read.subarray(from, at)]), end: place + at + 1 };
      pieces = [];
      held = 0;
      from = at + 1;
    }
    place += bytesRead;
    if (from < bytesRead) {
      pieces.push(read.subarray(from));
      held += bytesRead - from;
    }
    if (held > MAX_LINE_BYTES)
      throw new RingcastError("bad_request", `The line that ends behind byte ${place} is no record.`);
    if (bytesRead > 0) continue;
    if (held > 0) yield { line: Buffer.concat(pieces), end: place };
    return;
  }
}
