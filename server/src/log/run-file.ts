/**
 * Which run of the hub over its data directory this is, and which ones before a power cut ended. A log that was closed cleanly and is appended to says so in its
 * header and in the catalogue, and both reach the device with the next sync in the background: when the power goes before that, everything looks as if
 * nothing had been appended. So each run is on the device before it begins, and again when it has ended well: what was closed in a run that did not, or before
 * it, is in doubt, and is verified like a log that was left open.
 *
 * Two slots of 512 bytes, written in turn; the intact one with the greater sequence holds. Little-endian.
 *
 * ```
 *   0            8       12      16         24       32            40
 *   +------------+-------+-------+----------+--------+-------------+----------+
 *   | "RINGRUN1" | check | state | sequence | number | doubtful to | boot id  |
 *   |            | u32   | u32   | f64      | f64    | f64         | 16 bytes |
 *   +------------+-------+-------+----------+--------+-------------+----------+
 * ```
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Disk, DiskFile } from "./disk/index.js";

const SLOT_BYTES = 512;
const USED_BYTES = 56;
const MAGIC = "RINGRUN1";
const CHECK_AT = 8;
const STATE_AT = 12;
const SEQUENCE_AT = 16;
const NUMBER_AT = 24;
const DOUBTFUL_AT = 32;
const BOOT_ID_AT = 40;
const OPEN = 0;
const CLOSED = 1;
/** No run is in doubt. */
const NONE = -1;

interface Slot {
  readonly state: number;
  readonly sequence: number;
  readonly number: number;
  readonly doubtfulTo: number;
  readonly bootId: string;
}

/** The run that has a data directory. */
export class RunFile {
  /** Greater than that of every run before; 0 is that of everything from before runs were numbered. */
  readonly number: number;
  readonly #doubtfulTo: number;
  readonly #bootId: string;
  readonly #file: DiskFile;
  #sequence: number;

  /**
   * Begins a run: it is on the device on return.
   * @param nowMs keeps numbers growing where the file was lost
   * @throws what the system says
   */
  constructor(disk: Disk, directory: string, { bootId, nowMs }: { readonly bootId: string; readonly nowMs: number }) {
    const path = join(directory, "run");
    this.#file = disk.openOrCreate(path);
    try {
      const bytes = new Uint8Array(2 * SLOT_BYTES);
      const length = this.#file.read(bytes, 0, bytes.length, 0);
      const last = newestOf(Buffer.from(bytes.buffer));
      this.number = Math.max(nowMs, (last?.number ?? 0) + 1);
      this.#doubtfulTo = length > 0 && last === undefined ? this.number - 1 : doubtfulAfter(last, bootId);
      this.#bootId = bootId;
      this.#sequence = last?.sequence ?? 0;
      this.#write(OPEN);
      this.#file.syncNow();
      // Always: whoever made the file may have died before it came to this.
      disk.syncFolderNow(directory);
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /** Whether what was closed cleanly in a run has been as it was ever since. */
  isTrusted(number: number): boolean {
    return number > this.#doubtfulTo;
  }

  /** Notes that the run has ended well: everything is closed and on the device. */
  async end(): Promise<void> {
    this.#write(CLOSED);
    await this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }

  #write(state: number): void {
    const slot = Buffer.alloc(SLOT_BYTES);
    slot.write(MAGIC, "latin1");
    slot.writeUInt32LE(state, STATE_AT);
    slot.writeDoubleLE(++this.#sequence, SEQUENCE_AT);
    slot.writeDoubleLE(this.number, NUMBER_AT);
    slot.writeDoubleLE(this.#doubtfulTo, DOUBTFUL_AT);
    slot.write(this.#bootId, BOOT_ID_AT, "hex");
    slot.writeUInt32LE(checkOf(slot), CHECK_AT);
    const at = (this.#sequence % 2) * SLOT_BYTES;
    for (let written = 0; written < SLOT_BYTES;)
      written += this.#file.write(slot, written, SLOT_BYTES - written, at + written);
  }
}

/** The same boot's page cache has everything, however the process ended. */
function doubtfulAfter(last: Slot | undefined, bootId: string): number {
  if (last === undefined) return NONE;
  return last.state === CLOSED || last.bootId === bootId ? last.doubtfulTo : last.number;
}

function newestOf(bytes: Buffer): Slot | undefined {
  const slots = [0, SLOT_BYTES]
    .map((at) => slotAt(bytes.subarray(at, at + SLOT_BYTES)))
    .filter((slot) => slot !== undefined);
  return slots.sort((a, b) => b.sequence - a.sequence)[0];
}

function slotAt(slot: Buffer): Slot | undefined {
  if (slot.toString("latin1", 0, MAGIC.length) !== MAGIC || slot.readUInt32LE(CHECK_AT) !== checkOf(slot))
    return undefined;
  return {
    state: slot.readUInt32LE(STATE_AT),
    sequence: slot.readDoubleLE(SEQUENCE_AT),
    number: slot.readDoubleLE(NUMBER_AT),
    doubtfulTo: slot.readDoubleLE(DOUBTFUL_AT),
    bootId: slot.toString("hex", BOOT_ID_AT, USED_BYTES),
  };
}

function checkOf(slot: Buffer): number {
  return crc32(slot.subarray(STATE_AT, USED_BYTES));
}
