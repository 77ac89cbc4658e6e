/** A file system of its own on a loop device, whose power can be cut: what wasn't synced is gone. Needs root on Linux. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { tempDir } from "./temp-dir.js";
import { until } from "./until.js";

/** `EXT4_IOC_SHUTDOWN`, of XFS as well; see `src/godown.c` of xfstests. */
const SHUTDOWN = 0x8004587d;
/** Nothing more is written, not even the file system's own journal. */
const WITHOUT_LOG_FLUSH = 2;
const ioctl = koffi.load(null).func("int ioctl(int fd, unsigned long request, uint32_t *argument)");

export class LoopDevice implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  /** A file that says which boot of the machine it is, as `/proc/sys/kernel/random/boot_id` does. */
  readonly bootIdFile: string;
  readonly #image: string;
  readonly #folder = tempDir();

  constructor(fileSystem: "ext4" | "xfs", bytes: number) {
    this.#image = join(this.#folder.path, "image");
    this.path = join(this.#folder.path, "disk");
    this.bootIdFile = join(this.#folder.path, "boot-id");
    writeFileSync(this.#image, "");
    truncateSync(this.#image, bytes);
    execFileSync(`mkfs.${fileSystem}`, ["-q", this.#image]);
    mkdirSync(this.path);
    // A hub that sees another boot lives among mounts of its own: it must hear when one of another test's goes, or that stays as it was.
    execFileSync("mount", ["--bind", this.#folder.path, this.#folder.path]);
    execFileSync("mount", ["--make-shared", this.#folder.path]);
    this.#start();
  }

  /** From now on nothing reaches the device. Whoever uses it must be gone before {@link powerUp}. */
  cutPower(): void {
    const fd = openSync(this.path, "r");
    try {
      if (ioctl(fd, SHUTDOWN, [WITHOUT_LOG_FLUSH]) !== 0) throw new Error("the file system can't be shut down");
    } finally {
      closeSync(fd);
    }
  }

  /** Mounts again what is on the device, in another boot of the machine. */
  async powerUp(): Promise<void> {
    await this.#unmount();
    this.#start();
  }

  #start(): void {
    writeFileSync(this.bootIdFile, `${randomUUID()}\n`);
    execFileSync("mount", ["-o", "loop", this.#image, this.path]);
  }

  /** Mapped memory is let go a moment after its process has ended. */
  #unmount(): Promise<void> {
    return until("the device is unmounted", () => {
      try {
        execFileSync("umount", [this.path], { stdio: "pipe" });
        return true;
      } catch {
        return false;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#unmount();
    execFileSync("umount", [this.#folder.path]);
    this.#folder[Symbol.dispose]();
  }
}
