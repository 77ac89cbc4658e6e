/**
 * The files of a log, before and beside mapping them: their names, what a header says, giving back what was cut off.
 */
import { closeSync, readSync, rmSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { RingcastError, shown } from "@ringcast/protocol";
import { FILE_HEADER_BYTES, type FileHeader, type HeadWords, readHeader, readHeadWords } from "./file-header.js";
import { fileNameOf } from "./file-name.js";
import { allocateFile, codeOf } from "./region/index.js";

/** Removes the file of a log that nobody has open, and what a dying process may have left beside it. */
export function removeLogFile(directory: string, topic: string, partition: number): void {
  const path = join(directory, fileNameOf(topic, partition));
  rmSync(path, { force: true, recursive: true });
  rmSync(newPathOf(path), { force: true });
  rmSync(resizePathOf(path), { force: true });
}

/** A file that is being made. */
export function newPathOf(path: string): string {
  return `${path}.new`;
}

/** A copy in another capacity. */
export function resizePathOf(path: string): string {
  return `${path}.resize`;
}

/** Reads a header without mapping the file; undefined when it is too short to have one. */
export function readReading(fd: number, length: number): ReturnType<typeof readHeader> | undefined {
  if (length < FILE_HEADER_BYTES) return undefined;
  const { bytes, view } = readHeaderBytes(fd);
  return readHeader(bytes, view, 0);
}

export function readHead(fd: number): {
  readonly header: FileHeader;
  readonly sequence: number;
  readonly words: ReturnType<typeof readHeadWords>;
} {
  const { bytes, view } = readHeaderBytes(fd);
  const reading = readHeader(bytes, view, 0);
  if (reading.kind !== "header") throw new Error("The header changed while the log was opened.");
  return { header: reading.header, sequence: reading.sequence, words: readHeadWords(view, 0) };
}

function readHeaderBytes(fd: number): { readonly bytes: Uint8Array; readonly view: DataView } {
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  readSync(fd, bytes, 0, FILE_HEADER_BYTES, 0);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** Bytes of ring that must be there by what the header says; a file cut from outside has less. */
export function neededBytes(header: FileHeader, words: HeadWords | undefined): number {
  return Math.min(header.capacityBytes, Math.max(words?.headAddress ?? 0, header.syncedAddress));
}

/** Gives back the blocks of a file that was cut from outside, as zeros: touching what isn't there would kill the process. */
export function ensureAllocated(fd: number, length: number, needed: number): number {
  const allocated = Math.max(0, length - FILE_HEADER_BYTES);
  if (allocated >= needed) return allocated;
  try {
    allocateFile(fd, FILE_HEADER_BYTES + allocated, needed - allocated);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return needed;
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await openFile(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export function asUnavailable(error: unknown, path: string): RingcastError {
  if (error instanceof RingcastError) return error;
  const message = `The log file ${shown(path)} can't be opened (${codeOf(error) || String(error)}).`;
  return new RingcastError("unavailable", message, { stored: "no" }, { cause: error });
}
