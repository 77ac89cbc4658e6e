import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory of its own, removed when its scope ends. */
export interface TempDir extends Disposable {
  readonly path: string;
}

export function tempDir(prefix = "ringcast-", parent = tmpdir()): TempDir {
  const path = mkdtempSync(join(parent, prefix));
  return {
    path,
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** One in memory where there is such a file system: for what syncs again and again, and isn't about the device. */
export function memoryDir(): TempDir {
  return tempDir("ringcast-", existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
}
