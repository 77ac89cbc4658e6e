/**
 * Checking the file of one log: what its header says, beside what the catalogue says, and every record between tail and head.
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { hasMore, isFiller, isPayloadIntact, shown, timestampOf } from "@ringcast/protocol";
import type { CataloguedPartition } from "../catalogue/catalogue.js";
import { FILE_HEADER_BYTES, type FileHeader, FORMAT_VERSION, type HeadWords } from "../file-header.js";
import { Lineage } from "../lineage.js";
import { type FoundHead, neededBytes, readHead } from "../log-files.js";
import { codeOf, NodeFile } from "../disk/index.js";
import { FileRegion, type Region } from "../region/index.js";
import { believedLength, findNextRecord, placeOf, type Resumption } from "../ring.js";
import type { CheckProblem } from "./report.js";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** What the catalogue says of a log. */
export interface ExpectedLog {
  readonly topic: string;
  readonly partition: number;
  readonly state: CataloguedPartition;
  readonly capacityBytes: number;
  /** The hub that had it didn't close it. */
  readonly isOpen: boolean;
  readonly file: string;
}

/** What reading a log's file brought. */
export interface CheckedLog {
  readonly records: number;
  readonly bytes: number;
  readonly problems: readonly CheckProblem[];
}

type Finding = Omit<CheckProblem, "topic" | "partition" | "file">;
const ANEW = "the hub sets the file aside and begins the log anew in another epoch; restore it from a backup";
const GAP = "readers are told a gap of these offsets; restore them from a backup";

/** Reads a log's file from end to end; takes as much memory as the file has bytes. */
export function checkLog(expected: ExpectedLog): CheckedLog {
  const { topic, partition, file } = expected;
  const problems: CheckProblem[] = [];
  const tell = (finding: Finding): void => void problems.push({ topic, partition, file, ...finding });
  let fd: number;
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    missing(expected, codeOf(error), tell);
    return { records: 0, bytes: 0, problems };
  }
  const stat = fstatSync(fd);
  const head = stat.isFile() ? judgeHead(fd, stat.size, expected, tell) : undefined;
  if (!stat.isFile()) tell({ severity: "damage", what: "It is not a regular file.", advice: ANEW });
  if (head === undefined) {
    closeSync(fd);
    return { records: 0, bytes: 0, problems };
  }
  const { capacityBytes } = head.header;
  const allocatedBytes = Math.min(stat.size - FILE_HEADER_BYTES, capacityBytes);
  const region = new FileRegion({ file: new NodeFile(fd), capacityBytes, allocatedBytes, memory: { bytes: 0 } });
  try {
    if (!region.populate()) {
      tell({
        severity: "damage",
        what: "A part of it can't be read: the storage device reports an error.",
        advice: ANEW,
      });
      return { records: 0, bytes: stat.size, problems };
    }
    const records = head.words === undefined ? 0 : walk(region, head.header, head.words, tell);
    return { records, bytes: stat.size, problems };
  } finally {
    region.close();
  }
}

function missing({ state, isOpen }: ExpectedLog, code: string, tell: (finding: Finding) => void): void {
  const isExpected = isOpen || state.bytes > 0 || state.head > state.tail;
  if (code === "ENOENT" && !isExpected) return;
  const to = state.head - 1;
  const range = state.head > state.tail ? { from: state.tail, to } : {};
  const what = code === "ENOENT" ? "The file is missing." : `The file can't be opened (${code}).`;
  tell({ severity: "damage", what, ...range, advice: ANEW });
}

/** Judges what the header says. @returns undefined where nothing can be read by it */
function judgeHead(
  fd: number,
  length: number,
  expected: ExpectedLog,
  tell: (finding: Finding) => void,
): Pick<FoundHead, "header" | "words"> | undefined {
  if (length < FILE_HEADER_BYTES) {
    tell({ severity: "damage", what: `It is ${length} bytes long, shorter than a log's header.`, advice: ANEW });
    return undefined;
  }
  const { reading, words } = readHead(new NodeFile(fd));
  if (reading.kind === "none") {
    tell({ severity: "damage", what: "Neither copy of its header is intact.", advice: ANEW });
    return undefined;
  }
  if (reading.kind === "version") {
    const what = `It has format version ${reading.version}; this program knows ${FORMAT_VERSION}.`;
    tell({ severity: "damage", what, advice: "use the hub that wrote it, or a newer one" });
    return undefined;
  }
  const { header } = reading;
  const owner = ownerProblem(header, expected);
  if (owner !== undefined) {
    tell(owner);
    return undefined;
  }
  if (words === undefined) {
    const advice = "the hub finds head and tail by reading all records, and begins a new epoch";
    tell({ severity: "damage", what: "Its head words are damaged.", advice });
  }
  const needed = FILE_HEADER_BYTES + neededBytes(header, words);
  if (length < needed) {
    const advice = "the hub takes what was cut off for damaged; restore it from a backup";
    tell({ severity: "damage", what: `It was cut: ${length} bytes are there of ${needed}.`, advice });
  }
  compare(header, words, expected, tell);
  return { header, words };
}

function ownerProblem({ topic, partition, lineage }: FileHeader, expected: ExpectedLog): Finding | undefined {
  const advice = "move it away, or put the files back under their own names";
  if (topic !== expected.topic || partition !== expected.partition) {
    return { severity: "damage", what: `It is the log of ${shown(topic)}, partition ${partition}.`, advice };
  }
  const known = new Set(expected.state.lineage.map(({ epoch }) => epoch));
  if (lineage.some(({ epoch }) => known.has(epoch))) return undefined;
  const what = `It holds epoch ${shown(lineage.at(-1)?.epoch)}, the catalogue has ${shown(expected.state.lineage.at(-1)?.epoch)}.`;
  return { severity: "damage", what, advice };
}

/** Tells where file and catalogue differ, or the file is not as a closed one is. */
function compare(
  header: FileHeader,
  words: HeadWords | undefined,
  { state, isOpen, capacityBytes }: ExpectedLog,
  tell: (finding: Finding) => void,
): void {
  if (isOpen) {
    tell({ severity: "note", what: "It was not closed.", advice: "the hub recovers it at its next start" });
  } else if (words !== undefined && (words.head !== state.head || words.tail !== state.tail)) {
    const what = `It holds offsets ${words.tail} to ${words.head - 1}, the catalogue says ${state.tail} to ${state.head - 1}.`;
    const advice =
      "put the right file back; the hub goes by the one it finds, and begins a new epoch where records are missing";
    tell({ severity: "damage", what, advice });
  }
  if (header.state === "failed") {
    const advice = "the hub verifies what was written since, and writes the log anew";
    tell({ severity: "note", what: "A sync to the storage device had failed.", advice });
  }
  if (header.capacityBytes !== capacityBytes) {
    const what = `Its ring has ${header.capacityBytes} bytes, its topic ${capacityBytes}.`;
    tell({ severity: "note", what, advice: "the hub copies it into the new capacity when it is used next" });
  }
  const { lineage } = header;
  const isOrdered = lineage.every((entry, i) => entry.first >= (lineage[i - 1]?.first ?? 0));
  if (isOrdered && (lineage.at(-1)?.first ?? 0) <= (words?.head ?? Infinity)) return;
  tell({ severity: "damage", what: "Its epochs are not in order, or begin beyond its head.", advice: ANEW });
}

/** Verifies every record. @returns how many are whole */
function walk(region: FileRegion, header: FileHeader, words: HeadWords, tell: (finding: Finding) => void): number {
  const lineage = new Lineage(header.lineage, header.partition);
  const end = { address: Math.min(words.headAddress, addressEnd(region, words)), offset: words.head };
  const damages = new Damages(tell);
  let at: Resumption = { address: words.tailAddress, offset: words.tail };
  let records = 0;
  let timestamp = 0;
  let isBatchOpen = false;
  while (at.offset < end.offset && at.address < end.address) {
    const length = believedLength(region, lineage, at.address, at.offset, end.address);
    if (length === 0) {
      const behind = findNextRecord(region, lineage, at, end);
      if (behind.offset > at.offset) damages.add(at.offset, behind.offset - 1);
      at = behind;
      continue;
    }
    const place = placeOf(region, at.address);
    if (isFiller(region.view, place)) {
      at = { address: at.address + length, offset: at.offset };
      continue;
    }
    if (isPayloadIntact(region.view, place)) records++;
    else damages.add(at.offset, at.offset);
    timestamp = checkTime(region, place, timestamp, at.offset, tell);
    isBatchOpen = hasMore(region.view, place);
    at = { address: at.address + length, offset: at.offset + 1 };
  }
  if (at.offset < end.offset) damages.add(at.offset, end.offset - 1);
  damages.end();
  if (isBatchOpen) {
    const from = words.head - 1;
    tell({ severity: "damage", what: "The last batch isn't whole.", from, to: from, advice: GAP });
  }
  return records;
}

/** A file that was cut in its first lap ends before its head. */
function addressEnd(region: Region, { headAddress }: HeadWords): number {
  return headAddress <= region.capacityBytes ? region.allocatedBytes - (region.allocatedBytes % 8) : Infinity;
}

function checkTime(
  region: Region,
  place: number,
  before: number,
  offset: number,
  tell: (finding: Finding) => void,
): number {
  const timestamp = timestampOf(region.view, place);
  if (timestamp >= before) return timestamp;
  const what = `Time runs back from ${before} to ${timestamp}.`;
  tell({ severity: "damage", what, from: offset, to: offset, advice: "looking up by time may miss records here" });
  return timestamp;
}

/** Damaged offsets that follow one another are told once. */
class Damages {
  readonly #tell: (finding: Finding) => void;
  #from = -1;
  #to = -1;

  constructor(tell: (finding: Finding) => void) {
    this.#tell = tell;
  }

  add(from: number, to: number): void {
    if (this.#from >= 0 && from === this.#to + 1) {
      this.#to = to;
      return;
    }
    this.end();
    this.#from = from;
    this.#to = to;
  }

  end(): void {
    if (this.#from < 0) return;
    const what =
      this.#from === this.#to
        ? `Record ${this.#from} is damaged.`
        : `Records ${this.#from} to ${this.#to} are damaged.`;
    this.#tell({ severity: "damage", what, from: this.#from, to: this.#to, advice: GAP });
    this.#from = -1;
  }
}
