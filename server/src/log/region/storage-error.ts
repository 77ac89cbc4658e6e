import { RingcastError } from "@ringcast/protocol";
import { codeOf } from "../disk/disk-error.js";

/** What the publisher is told when the system refuses space or a write, with what to do about it. */
export function storageError(cause: unknown): RingcastError {
  return new RingcastError("unavailable", adviceFor(codeOf(cause)), { stored: "no" }, { cause });
}

function adviceFor(code: string): string {
  if (code === "ENOSPC" || code === "EDQUOT") return "The disk of the data directory is full: make room and try again.";
  if (code === "EFBIG")
    return "The log's file may not grow beyond the file size limit: raise it or lower capacityBytes.";
  // One number on Linux, with two names.
  if (code === "EOPNOTSUPP" || code === "ENOTSUP") {
    return "The file system of the data directory can't reserve space (fallocate): put it on ext4, XFS or tmpfs, or start with --no-mmap.";
  }
  return `The log's file could not be written (${code}): check the disk.`;
}

/** The same refusal, where some of the bytes are in the file: nobody knows whether a power cut would bring the records back. */
export function perhapsStored(error: unknown): unknown {
  if (!(error instanceof RingcastError)) return error;
  return new RingcastError(error.code, error.message, { ...error.details, stored: "unknown" }, { cause: error });
}
