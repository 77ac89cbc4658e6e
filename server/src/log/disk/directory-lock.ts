import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { RingcastError, shown } from "@ringcast/protocol";
import { codeOf } from "./disk-error.js";
import { tryLock } from "./libc.js";
import type { DirectoryLock } from "./port.js";

const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;

/** File systems over a network: locks and mapped writes of two machines don't see each other there. NFS, SMB, CIFS, SMB2. */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42]);

/**
 * Takes a data directory for this process, and makes it if there is none. The lock is the kernel's and dies with the process, so a file left behind by a
 * dead hub means nothing.
 *
 * @param makeFolder makes a folder where there is none
 * @throws RingcastError with `details.field` "data": another hub has the directory, or it can't be one
 */
export function lockDirectory(path: string, makeFolder: (path: string) => void): DirectoryLock {
  try {
    makeFolder(path);
    if (lstatSync(path).isSymbolicLink()) throw refusal(path, "is a symbolic link: name the directory itself");
    if (NETWORK_FILE_SYSTEMS.has(statfsSync(path).type))
      throw refusal(path, "is on a network file system: choose a local one");
    return lockFile(path);
  } catch (error) {
    if (error instanceof RingcastError) throw error;
    throw refusal(
      path,
      `can't be used (${codeOf(error) || String(error)}): check that it is a directory and its rights`,
      error,
    );
  }
}

function lockFile(path: string): DirectoryLock {
  const fd = openSync(join(path, "lock"), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    if (!fstatSync(fd).isFile()) throw refusal(path, "holds a `lock` that is not a regular file: remove it");
    if (!tryLock(fd)) {
      const holder = readFileSync(fd, "utf8").trim();
      throw refusal(
        path,
        `is in use by another hub (process ${shown(holder)}): stop that one or choose another directory`,
      );
    }
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let isHeld = true;
  return {
    release() {
      if (isHeld) closeSync(fd);
      isHeld = false;
    },
  };
}

function refusal(path: string, what: string, cause?: unknown): RingcastError {
  return new RingcastError("unavailable", `The data directory ${shown(path)} ${what}.`, { field: "data" }, { cause });
}
