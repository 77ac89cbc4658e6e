/** A storage device that can't take anything new for a while: an ext4 file system in a file on another one, which is full. Needs root on Linux. */
import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { SmallDisk } from "./small-disk.js";
import { tempDir } from "./temp-dir.js";
import { until } from "./until.js";

export class FailingDevice implements AsyncDisposable {
  /** Where its file system is mounted. */
  readonly path: string;
  readonly #below: SmallDisk;
  readonly #image: string;
  readonly #folder = tempDir();
  #device = "";

  /**
   * @param bytes     of the file system
   * @param realBytes that it can really take
   */
  constructor(bytes: number, realBytes: number) {
    this.#below = new SmallDisk(realBytes);
    this.#image = join(this.#below.path, "image");
    this.path = join(this.#folder.path, "disk");
    writeFileSync(this.#image, "");
    truncateSync(this.#image, bytes);
    // Without a journal: when that can't be written, the whole file system is lost until somebody mends it.
    const layout = ["-b", "4096", "-O", "^has_journal", "-E", "lazy_itable_init=0"];
    execFileSync("mkfs.ext4", ["-q", "-F", ...layout, this.#image]);
    mkdirSync(this.path);
    this.#mount();
  }

  /** From now on a sync of what is new fails: once, as the system tells it. */
  fail(): void {
    this.#below.fill();
  }

  mend(): void {
    this.#below.free();
  }

  /** Forgets what is cached: what is read from now on comes from the device. Nobody may use it meanwhile. */
  async forgetCache(): Promise<void> {
    await this.#unmount();
    this.#mount();
  }

  #mount(): void {
    this.#device = execFileSync("losetup", ["--find", "--show", this.#image], { encoding: "utf8" }).trim();
    // The loop driver takes a write for whole of which only the first pages found room: each request is one page, so that it tells.
    writeFileSync(`/sys/block/${basename(this.#device)}/queue/max_sectors_kb`, "4");
    execFileSync("mount", [this.#device, this.path]);
  }

  /** Mapped memory is let go a moment after its process has ended. */
  #unmount(): Promise<void> {
    return until("the device is unmounted", () => {
      try {
        execFileSync("umount", [this.path], { stdio: "pipe" });
        execFileSync("losetup", ["--detach", this.#device]);
        return true;
      } catch {
        return false;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mend();
    await this.#unmount();
    this.#below[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}
