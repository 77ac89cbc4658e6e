/** A log store for tests: messages, stamps and reading everything back. */
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import {
  CONTENT_TYPE,
  dataAtOf,
  dataEndOf,
  decodeUtf8,
  DEFAULT_TOPIC_CONFIG,
  encodeUtf8,
  lengthOf,
  type NewMessage,
  offsetOf,
  timestampOf,
  type TopicConfig,
} from "@ringcast/protocol";
import {
  type LogCursor,
  type LogEvent,
  type LogStore,
  type LogStoreOptions,
  openLogStore,
  type ReadResult,
  type RingLog,
  type StoredTopic,
} from "../../server/src/log/index.js";
import { createNodeRuntime } from "../../server/src/runtime/index.js";
import { LocalSequencer } from "../../server/src/sequencer/index.js";

export const SMALL: TopicConfig = { ...DEFAULT_TOPIC_CONFIG, capacityBytes: 65_536 };

export interface TestStore {
  readonly store: LogStore;
  readonly events: LogEvent[];
}

/** What stores have that say nothing of it themselves. */
let region: { readonly mmap: boolean } = { mmap: true };

/** Runs a suite twice: with mapped logs, and with logs that are kept in memory and written to their files. */
export function inEachRegion(suite: () => void): void {
  describe.each([
    { name: "mapped", mmap: true },
    { name: "file", mmap: false },
  ])("in a $name region", ({ mmap }) => {
    beforeAll(() => {
      region = { mmap };
    });
    afterAll(() => {
      region = { mmap: true };
    });
    suite();
  });
}

/** Opens a store; what it tells at once of its region is left out of `events`. */
export async function openStore(directory: string, options: Partial<LogStoreOptions> = {}): Promise<TestStore> {
  const events: LogEvent[] = [];
  const runtime = createNodeRuntime();
  const onEvent = (event: LogEvent): void => {
    if (event.type !== "region") events.push(event);
  };
  const store = await openLogStore({ directory, runtime, onEvent, ...region, ...options });
  return { store, events };
}

/** The directory as a hub killed at this moment would leave it: what is mapped is in the files already. */
export function copyAsKilled(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
}

/** Path of the only log file of a data directory. */
export function onlyLogFile(directory: string): string {
  const logs = join(directory, "logs");
  const files = readdirSync(logs).filter((name) => name.endsWith(".ring"));
  if (files.length !== 1) throw new Error(`expected one log file, found ${files.join(", ")}`);
  return join(logs, files[0] as string);
}

export function firstLog(topic: StoredTopic | undefined): RingLog {
  const log = topic?.partitions[0];
  if (log === undefined) throw new Error("the topic has no first partition");
  return log;
}

export function message(data: string | Uint8Array, key?: string): NewMessage {
  return {
    contentType: CONTENT_TYPE.bytes,
    data: typeof data === "string" ? encodeUtf8(data) : data,
    key: key === undefined ? undefined : encodeUtf8(key),
    headers: new Uint8Array(0),
  };
}

const sequencer = new LocalSequencer();

export function append(log: RingLog, messages: readonly NewMessage[], nowMs = 1_000): void {
  log.append(messages, sequencer.assign(log, nowMs));
}

export interface Seen {
  readonly offset: number;
  readonly timestamp: number;
  readonly epoch: string;
  readonly data: string;
}
export interface Hole {
  readonly from: number;
  readonly to: number;
}

export function emptyResult(): ReadResult {
  return {
    status: "end",
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    start: 0,
    end: 0,
    address: 0,
    firstOffset: 0,
    nextOffset: 0,
    nextAddress: 0,
    epoch: "",
  };
}

/** Reads from an offset (the tail by default) to the head as a translating reader does: what fails a check is a hole. */
export function readAll(log: RingLog, from = log.tail, edgeBytes = 65_536): { seen: Seen[]; holes: Hole[] } {
  const seen: Seen[] = [];
  const holes: Hole[] = [];
  const cursor: LogCursor = { offset: from, address: -1, mapped: true };
  const result = emptyResult();
  for (;;) {
    const status = log.read(cursor, edgeBytes, Infinity, result);
    if (status === "records") {
      const block = take(log, result);
      seen.push(...block.seen);
      holes.push(...block.holes);
    } else if (status === "corrupt") holes.push({ from: cursor.offset, to: result.nextOffset - 1 });
    else if (status === "end") return { seen, holes };
    else throw new Error(`unexpected status ${status} at ${cursor.offset}`);
    if (result.nextOffset <= cursor.offset) throw new Error(`no progress at ${cursor.offset}`);
    cursor.offset = result.nextOffset;
    cursor.address = result.nextAddress;
  }
}

/** The records of one read, each checked as a translating reader does. */
export function take(log: RingLog, result: ReadResult): { seen: Seen[]; holes: Hole[] } {
  const seen: Seen[] = [];
  const holes: Hole[] = [];
  let offset = result.firstOffset;
  for (let at = result.start; at < result.end; at += lengthOf(result.view, at), offset++) {
    if (!log.isIntact(result, at)) {
      holes.push({ from: offset, to: offset });
      continue;
    }
    seen.push({
      offset: offsetOf(result.view, at),
      timestamp: timestampOf(result.view, at),
      epoch: result.epoch,
      data: decodeUtf8(result.bytes, dataAtOf(result.view, at), dataEndOf(result.view, at)),
    });
  }
  if (offset !== result.nextOffset)
    throw new Error(`block of ${result.firstOffset} ends at ${offset}, not ${result.nextOffset}`);
  return { seen, holes };
}
