/**
 * Many equal logs in one data directory, as a hub that was killed leaves them. Each can be damaged in another way, and one start of a store looks at all of
 * them: a position costs about a millisecond, so that every byte of a file can be tried.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeUtf8, lengthOf } from "@ringcast/protocol";
import { FILE_HEADER_BYTES } from "../../../server/src/log/file-header.js";
import type { LogEvent, RingLog } from "../../../server/src/log/index.js";
import { LocalSequencer } from "../../../server/src/sequencer/index.js";
import { copyAsKilled, firstLog, type Hole, message, openStore, readAll, SMALL } from "../../support/log-store.js";
import { memoryDir, type TempDir } from "../../support/temp-dir.js";

export const RECORDS = 12;
/** A second epoch begins here, so that the header has something to lose. */
const SECOND_EPOCH_FROM = 5;
const LOGS = 256;
/** Nothing is synced but by the test. */
const NEVER_MS = 3_600_000;
const BOOT = "1".repeat(32);
const NEXT_BOOT = "2".repeat(32);

export interface KilledLogsOptions {
  readonly mmap: boolean;
  /** Whether everything was on the storage device before the process was killed. */
  readonly isSynced: boolean;
}

/** What a store found of one damaged log. */
export interface Found {
  readonly log: RingLog;
  readonly offsets: readonly number[];
  readonly holes: readonly Hole[];
  /** Those of the start that concern this log. */
  readonly events: readonly LogEvent[];
}

export interface OpenOptions<Damage> {
  readonly damages: readonly Damage[];
  /** @returns the damaged file, which may be the same array */
  readonly damage: (file: Uint8Array<ArrayBuffer>, damage: Damage) => Uint8Array;
  /** `kill`: in the same boot of the machine; `power`: in the next one. */
  readonly after: "kill" | "power";
  readonly check: (found: Found, damage: Damage) => void;
}

export class KilledLogs implements Disposable {
  /** First byte of each record in its file, and the end of the last one. */
  readonly places: readonly number[];
  /** One past the last byte of each record that says anything: zeros fill it up, which no check covers. */
  readonly ends: readonly number[];
  readonly #files: readonly (readonly [path: string, bytes: Buffer])[];
  readonly #mmap: boolean;
  readonly #folder: TempDir;
  #rounds = 0;

  private constructor(live: string, mmap: boolean, folder: TempDir) {
    const dead = join(folder.path, "dead");
    copyAsKilled(live, dead);
    const names = readdirSync(dead, { recursive: true, encoding: "utf8" });
    this.#files = names
      .filter((name) => statSync(join(dead, name)).isFile())
      .map((name) => [name, readFileSync(join(dead, name))] as const);
    const first = readFileSync(join(dead, pathOf(0)));
    this.places = placesOf(first);
    this.ends = this.places.slice(1).map((end) => first.subarray(0, end).findLastIndex((byte) => byte !== 0) + 1);
    this.#mmap = mmap;
    this.#folder = folder;
  }

  static async make({ mmap, isSynced }: KilledLogsOptions): Promise<KilledLogs> {
    const folder = memoryDir();
    const live = join(folder.path, "live");
    const { store } = await openStore(live, { mmap, bootId: BOOT, syncIntervalMs: NEVER_MS });
    const logs = Array.from({ length: LOGS }, (_, number) => firstLog(store.createTopic(nameOf(number), SMALL)));
    for (const log of logs) fill(log);
    if (isSynced) await Promise.all(logs.map((log) => log.synced()));
    const killed = new KilledLogs(live, mmap, folder);
    await store.close();
    return killed;
  }

  /** Damages one log after another, opens all of them, and has each looked at. */
  async open<Damage>({ damages, ...options }: OpenOptions<Damage>): Promise<void> {
    for (let from = 0; from < damages.length; from += LOGS)
      await this.#round({ ...options, damages: damages.slice(from, from + LOGS) });
  }

  async #round<Damage>({ damages, damage, after, check }: OpenOptions<Damage>): Promise<void> {
    const directory = join(this.#folder.path, `round-${this.#rounds++}`);
    this.#write(directory, new Map(damages.map((each, number) => [pathOf(number), (file) => damage(file, each)])));
    const bootId = after === "kill" ? BOOT : NEXT_BOOT;
    const { store, events } = await openStore(directory, { mmap: this.#mmap, bootId, syncIntervalMs: NEVER_MS });
    try {
      for (const [number, each] of damages.entries()) {
        const log = firstLog(store.topic(nameOf(number)));
        const { seen, holes } = readAll(log);
        const offsets = seen.map(({ offset }) => offset);
        const about = events.filter((event) => "topic" in event && event.topic === log.topic);
        if (seen.some(({ offset, data }) => data !== dataOf(offset))) throw new Error("a record has other data");
        check({ log, offsets, holes: joined(holes), events: about }, each);
      }
    } finally {
      await store.close();
      rmSync(directory, { recursive: true });
    }
  }

  #write(directory: string, damages: ReadonlyMap<string, (file: Uint8Array<ArrayBuffer>) => Uint8Array>): void {
    for (const [name, bytes] of this.#files) {
      const damage = damages.get(name);
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), damage === undefined ? bytes : damage(new Uint8Array(bytes)));
    }
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** All offsets but these. */
export function without(...missing: readonly number[]): number[] {
  return Array.from({ length: RECORDS }, (_, offset) => offset).filter((offset) => !missing.includes(offset));
}

function nameOf(number: number): string {
  return `t${String(number).padStart(3, "0")}`;
}

function pathOf(number: number): string {
  return join("logs", `t.${nameOf(number)}.0.ring`);
}

/** A record of which only the data is damaged is a hole of its own. */
function joined(holes: readonly Hole[]): Hole[] {
  const all: Hole[] = [];
  for (const hole of holes) {
    const last = all.at(-1);
    if (last?.to === hole.from - 1) all[all.length - 1] = { from: last.from, to: hole.to };
    else all.push(hole);
  }
  return all;
}

/** Lengths that differ, so that some records end in zeros. */
function dataOf(offset: number): string {
  return `record ${offset} `.padEnd(20 + (offset % 5), "x");
}

/** Records of every form: with keys, headers, and the part that makes a publish idempotent. */
function fill(log: RingLog): void {
  const sequencer = new LocalSequencer();
  for (let offset = 0; offset < RECORDS; offset++) {
    const assignment = sequencer.assign(log, 1_000 + offset);
    const epoch = offset === SECOND_EPOCH_FROM ? `second-${log.topic}` : assignment.epoch;
    const plain = message(dataOf(offset), offset % 2 === 0 ? "key" : undefined);
    const draft = offset % 3 === 0 ? { ...plain, headers: encodeUtf8("headers!") } : plain;
    const mark = { id: "producer", sequence: offset, digest: offset };
    log.append([draft], { ...assignment, epoch }, offset % 4 === 3 ? mark : undefined);
  }
}

function placesOf(file: Buffer): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const places = [FILE_HEADER_BYTES];
  for (let offset = 0, at = FILE_HEADER_BYTES; offset < RECORDS; offset++) places.push((at += lengthOf(view, at)));
  return places;
}

/** Flips one bit, from byte to byte and from turn to turn another one. */
export function flip(
  file: Uint8Array<ArrayBuffer>,
  { at, turn = 0 }: { readonly at: number; readonly turn?: number },
): Uint8Array {
  file[at] = (file[at] as number) ^ (1 << ((at + turn) % 8));
  return file;
}
