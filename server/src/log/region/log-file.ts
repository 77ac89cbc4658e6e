/**
 * Opening what should be a log's file. A data directory is not trusted blindly: whatever stands under the name must be a regular file, not a way to
 * somewhere else.
 */
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync } from "node:fs";

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_DIRECTORY } = constants;
const READ_BLOCK_BYTES = 2 ** 20;

/** Why a file can't be used as a log at all; the store sets it aside. */
export class UnusableFileError extends Error {
  override readonly name = "UnusableFileError";
}

/**
 * Opens an existing log file for mapping. O_NONBLOCK, so that a FIFO in its place doesn't block the hub.
 *
 * @returns undefined when there is none
 * @throws UnusableFileError for a link, directory, FIFO or device; Node's error for the rest (no rights, too many handles)
 */
export function openLogFile(path: string): { readonly fd: number; readonly length: number } | undefined {
  let fd: number;
  try {
    fd = openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP" || code === "EISDIR" || code === "ENXIO") {
      throw new UnusableFileError(`It is not a regular file (${code}).`, { cause: error });
    }
    throw error;
  }
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, length: stat.size };
  closeSync(fd);
  throw new UnusableFileError("It is not a regular file.");
}

/** Whether the first `length` bytes of a file can be read. O(bytes), without mapping them. */
export function canReadFile(fd: number, length: number): boolean {
  const block = new Uint8Array(Math.min(length, READ_BLOCK_BYTES));
  try {
    for (let at = 0, read = 1; at < length; at += read) {
      read = readSync(fd, block, 0, Math.min(block.length, length - at), at);
      if (read === 0) return false;
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "EIO") return false;
    throw error;
  }
}

/** Makes a new, empty file; fails with EEXIST when the name is taken by anything. */
export function createLogFile(path: string): number {
  return openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

/** Forces the names in a directory to the storage device. Blocks: for rare moments only. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The `code` of a system error, the empty string for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
