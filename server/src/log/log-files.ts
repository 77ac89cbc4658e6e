/**
 * The files of a log, before and beside mapping them: their names, what a header says, giving back what was cut off.
 */
import { join } from "node:path";
import { RingcastError, shown } from "@ringcast/protocol";
import { codeOf, isExhausted, type Disk, type DiskFile, type RegionKind } from "./disk/index.js";
import {
  type CountedHeadWords,
  FILE_HEADER_BYTES,
  type FileHeader,
  type HeaderReading,
  type HeadWords,
  readHeader,
  readHeadWords,
  readNewestSlot,
} from "./file-header.js";
import { fileNameOf } from "./file-name.js";
import { allocateFile, lengthenFile } from "./region/index.js";

/** Removes the file of a log that nobody has open, and what a dying process may have left beside it. */
export function removeLogFile(disk: Disk, directory: string, topic: string, partition: number): void {
  const path = join(directory, fileNameOf(topic, partition));
  disk.remove(path);
  disk.remove(newPathOf(path));
  disk.remove(resizePathOf(path));
}

/** A file that is being made. */
export function newPathOf(path: string): string {
  return `${path}.new`;
}

/** A copy in another capacity. */
export function resizePathOf(path: string): string {
  return `${path}.resize`;
}

/** What an existing file says about head and tail. */
export interface FoundWords {
  /** Undefined when they are damaged. */
  readonly words: CountedHeadWords | undefined;
  /** The newest whole slot: the same, or what is left of them. */
  readonly slot: CountedHeadWords | undefined;
}

/** What an existing file says about its log. */
export interface FoundHead extends FoundWords {
  readonly header: FileHeader;
  readonly sequence: number;
}

/** Reads header and head words without mapping the file, which must be long enough to have them. */
export function readHead(file: Pick<DiskFile, "read">): FoundWords & { readonly reading: HeaderReading } {
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  file.read(bytes, 0, FILE_HEADER_BYTES, 0);
  const view = new DataView(bytes.buffer);
  return { reading: readHeader(bytes, view, 0), words: readHeadWords(view, 0), slot: readNewestSlot(view, 0) };
}

/** Bytes of ring that must be there by what the header says; a file cut from outside has less. */
export function neededBytes(header: FileHeader, words: HeadWords | undefined): number {
  return Math.min(header.capacityBytes, Math.max(words?.headAddress ?? 0, header.syncedAddress));
}

/**
 * Gives back what was cut off a file from outside, as zeros, and fills holes: touching what isn't there would kill the process that has it mapped.
 * @param length bytes that it is long
 * @param needed bytes of ring that it must have
 * @returns bytes of ring that it has
 */
export function ensureAllocated(file: DiskFile, length: number, needed: number, regions: RegionKind): number {
  const allocated = Math.max(0, length - FILE_HEADER_BYTES);
  // A file of the other region, or copied by a program that leaves zeros out, has fewer blocks than bytes.
  const isSparse = regions === "mapped" && file.isSparse();
  if (allocated >= needed && !isSparse) return allocated;
  const from = isSparse ? 0 : FILE_HEADER_BYTES + allocated;
  try {
    reserveBytes(file, from, FILE_HEADER_BYTES + Math.max(needed, allocated) - from, regions);
  } catch (error) {
    file.close();
    throw error;
  }
  return Math.max(needed, allocated);
}

/**
 * Gives a file `length` more bytes behind `from`, such as its region needs them.
 * @throws RingcastError `unavailable`, with what to do about it
 */
export function reserveBytes(file: DiskFile, from: number, length: number, regions: RegionKind): void {
  if (regions === "mapped") allocateFile(file, from, length);
  else lengthenFile(file, from + length);
}

function adviceFor(error: unknown): string {
  if (codeOf(error) === "ENOMEM") return ": raise vm.max_map_count, or lower maxMappedLogs";
  return isExhausted(error) ? ": raise the limit of open files (LimitNOFILE, ulimit -n), or lower maxMappedLogs" : "";
}

export function asUnavailable(error: unknown, path: string): RingcastError {
  if (error instanceof RingcastError) return error;
  const message = `The log file ${shown(path)} can't be opened (${codeOf(error) || String(error)})${adviceFor(error)}.`;
  return new RingcastError("unavailable", message, { stored: "no" }, { cause: error });
}
