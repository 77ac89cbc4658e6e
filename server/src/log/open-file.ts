/**
 * From a path to a log file in use: judging what stands there, taking it, making a new one.
 */
import { RingcastError, shown } from "@ringcast/protocol";
import { codeOf, type DiskFile, UnusableFileError } from "./disk/index.js";
import type { FileContext } from "./file-context.js";
import { FileHead } from "./file-head.js";
import { FILE_HEADER_BYTES, type FileHeader, FORMAT_VERSION, type HeaderReading } from "./file-header.js";
import { ensureAllocated, type FoundHead, neededBytes, readHead, reserveBytes } from "./log-files.js";
import { FIRST_ALLOCATION_BYTES } from "./log-keeper.js";
import { type FileBackedRegion, FileRegion, MappedRegion } from "./region/index.js";
import type { PartitionLog } from "./ring-log.js";

/** Why a file is set aside that mustn't be touched. */
export const UNREADABLE = "A part of it can't be read: the storage device reports an error.";

/** What stands where a log's file should be. `unusable`: nothing that a log can be made of; `stranger`: a former log's. */
export type Finding =
  | { readonly kind: "file"; readonly file: DiskFile; readonly length: number; readonly head: FoundHead }
  | { readonly kind: "none" }
  | { readonly kind: "unusable" | "stranger"; readonly reason: string };

/**
 * Opens a log's file and judges what it says about itself.
 * @param isExpected whether the log should have a file
 * @throws RingcastError `unavailable` for a file that is in order but not this log's, or of another version: it is left alone
 */
export function findFile(context: FileContext, path: string, log: PartitionLog, isExpected: boolean): Finding {
  let file: DiskFile | undefined;
  try {
    file = context.disk.open(path);
  } catch (error) {
    if (error instanceof UnusableFileError) return { kind: "unusable", reason: error.message };
    throw error;
  }
  if (file === undefined) return { kind: "none" };
  let isKept = false;
  try {
    const finding = judge(context, { path, file }, log, isExpected);
    isKept = finding.kind === "file";
    return finding;
  } catch (error) {
    if (codeOf(error) === "EIO") return { kind: "unusable", reason: UNREADABLE };
    throw error;
  } finally {
    if (!isKept) file.close();
  }
}

function judge(
  context: FileContext,
  { path, file }: { readonly path: string; readonly file: DiskFile },
  log: PartitionLog,
  isExpected: boolean,
): Finding {
  const length = file.size();
  if (length < FILE_HEADER_BYTES) {
    return { kind: "unusable", reason: `It is ${length} bytes long, shorter than a log's header.` };
  }
  const { reading, words, slot } = readHead(file);
  if (reading.kind === "none") return { kind: "unusable", reason: "Neither copy of its header is intact." };
  const reason = refusalOf(path, reading, log);
  if (reason !== undefined && reading.kind === "header" && isNamedAs(log, reading.header)) {
    const { bootId, run: itsRun, lineage } = reading.header;
    const isInDoubt = bootId !== context.bootId && !context.run.isTrusted(itsRun);
    // A former topic of this name has left it: the catalogue was moved away, or a power cut took what it said of that topic, or brought back the file.
    if (!isExpected || isInDoubt)
      return { kind: "stranger", reason: `It is of epoch ${lineage.at(-1)?.epoch}, which no topic has.` };
  }
  if (reason !== undefined) throw new RingcastError("unavailable", reason, { stored: "no" });
  if (reading.kind !== "header") throw new Error("A header of another version was not refused.");
  return { kind: "file", file, length, head: { header: reading.header, sequence: reading.sequence, words, slot } };
}

function refusalOf(path: string, reading: HeaderReading, log: PartitionLog): string | undefined {
  const move = "move it away, or start the hub that it belongs to";
  if (reading.kind === "version") {
    return `${shown(path)} has format version ${reading.version}, this hub knows ${FORMAT_VERSION}: ${move}.`;
  }
  if (reading.kind === "none") return undefined;
  const { topic, partition, lineage } = reading.header;
  if (!isNamedAs(log, reading.header)) {
    return `${shown(path)} is the log of ${shown(topic)}, partition ${partition}: ${move}.`;
  }
  if (!lineage.some(({ epoch }) => log.history.endOf(epoch) !== -1)) {
    return `${shown(path)} holds epoch ${shown(lineage.at(-1)?.epoch)}, expected ${shown(log.epoch)}: ${move}.`;
  }
  return undefined;
}

function isNamedAs(log: PartitionLog, header: FileHeader): boolean {
  return header.topic === log.topic && header.partition === log.partition;
}

/** Takes a file that was found into use; every byte that its log needs is there afterwards. */
export function useFile(context: FileContext, found: Finding & { readonly kind: "file" }): FileHead {
  const { file, length, head } = found;
  const { capacityBytes } = head.header;
  const allocatedBytes = ensureAllocated(file, length, neededBytes(head.header, head.slot), context.regions);
  return new FileHead(makeRegion(context, { file, capacityBytes, allocatedBytes }), context, head);
}

/** Makes a new file, with storage for its first records; what stands there goes. */
export function createFile(context: FileContext, path: string, capacityBytes: number): FileHead {
  const { disk, regions } = context;
  disk.remove(path);
  const file = disk.create(path);
  const allocatedBytes = Math.min(FIRST_ALLOCATION_BYTES, capacityBytes);
  try {
    reserveBytes(file, 0, FILE_HEADER_BYTES + allocatedBytes, regions);
  } catch (error) {
    file.close();
    disk.remove(path);
    throw error;
  }
  return new FileHead(makeRegion(context, { file, capacityBytes, allocatedBytes }), context);
}

function makeRegion(
  { regions, memory, runtime }: FileContext,
  parts: { readonly file: DiskFile; readonly capacityBytes: number; readonly allocatedBytes: number },
): FileBackedRegion {
  if (regions === "file") return new FileRegion({ ...parts, memory });
  return new MappedRegion({ ...parts, endOfTurn: (callback) => runtime.endOfTurn(callback) });
}
