/** A file system in memory that is soon full. Needs root on Linux. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.js";

const CHUNK_BYTES = 65_536;

export class SmallDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #folder = tempDir();

  constructor(bytes: number) {
    this.path = this.#folder.path;
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", this.path]);
  }

  /** Takes all space that is left. */
  fill(): void {
    fillDisk(this.path);
  }

  /** Gives it back. */
  free(): void {
    freeDisk(this.path);
  }

  [Symbol.dispose](): void {
    execFileSync("umount", ["-l", this.path]);
    this.#folder[Symbol.dispose]();
  }
}

/** Takes all space that is left on the file system of a folder. */
export function fillDisk(folder: string): void {
  const fd = openSync(join(folder, "ballast"), "a");
  const chunk = new Uint8Array(CHUNK_BYTES);
  try {
    // By less and less, down to the last byte.
    for (let length = CHUNK_BYTES; length >= 1; length = Math.floor(length / 2)) fillBy(fd, chunk.subarray(0, length));
  } finally {
    closeSync(fd);
  }
}

/** Gives back what {@link fillDisk} took. */
export function freeDisk(folder: string): void {
  rmSync(join(folder, "ballast"), { force: true });
}

function fillBy(fd: number, chunk: Uint8Array): void {
  try {
    while (writeSync(fd, chunk) === chunk.length);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOSPC") throw error;
  }
}
