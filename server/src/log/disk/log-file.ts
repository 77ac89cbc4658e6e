/**
 * Opening what should be a log's file. A data directory is not trusted blindly: whatever stands under the name must be a regular file, not a way to
 * somewhere else.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { codeOf, UnusableFileError } from "./disk-error.js";

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
const READ_BLOCK_BYTES = 2 ** 20;

/**
 * Opens an existing log file for mapping. O_NONBLOCK, so that a FIFO in its place doesn't block the hub.
 *
 * @returns undefined when there is none
 * @throws UnusableFileError for a link, directory, FIFO or device; Node's error for the rest (no rights, too many handles)
 */
export function openLogFile(path: string): number | undefined {
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
  if (fstatSync(fd).isFile()) return fd;
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
