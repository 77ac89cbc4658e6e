/** A wall clock that a test sets while the hub runs; time as such goes on as ever. */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LIBFAKETIME, programOf } from "./system-packages.js";
import { tempDir } from "./temp-dir.js";

export interface FakeClock extends Disposable {
  /** For the process that is to see it. */
  readonly env: Readonly<Record<string, string>>;
  /** The wall clock is so far from the real one from now on. */
  set(seconds: number): void;
}

/** Whether there is such a clock here. */
export const hasFakeClock = programOf(LIBFAKETIME) !== undefined;

export function fakeClock(): FakeClock {
  const folder = tempDir("ringcast-clock-");
  const file = join(folder.path, "offset");
  const set = (seconds: number): void => {
    // At once: a process that finds the file empty has the real time.
    writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  return {
    env: {
      LD_PRELOAD: programOf(LIBFAKETIME) ?? "",
      FAKETIME_TIMESTAMP_FILE: file,
      // Looked at for each reading of the clock.
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    set,
    [Symbol.dispose]: () => {
      folder[Symbol.dispose]();
      removeLeftovers();
    },
  };
}

const SHARED_MEMORY = "/dev/shm";

/** libfaketime gives each process shared memory and a semaphore, named by its pid, and removes them at its exit: who is killed leaves them behind. */
function removeLeftovers(): void {
  if (!existsSync(SHARED_MEMORY)) return;
  for (const name of readdirSync(SHARED_MEMORY)) {
    const pid = /^(?:faketime_shm|sem\.faketime_sem)_(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(SHARED_MEMORY, name), { force: true });
  }
}
