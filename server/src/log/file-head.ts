import {
  COPY_BYTES,
  type FileHeader,
  type FileState,
  HEAD_WORDS_BYTES,
  type HeadWords,
  SELECTOR_AT,
  writeHeader,
  writeHeadWords,
} from "./file-header.js";
import type { FoundHead } from "./log-files.js";
import type { LineageEntry } from "./port.js";
import type { FileBackedRegion } from "./region/index.js";
import type { PartitionLog } from "./ring-log.js";

/** Who writes: the boot of the machine and the run of the hub. */
export interface HeadWriter {
  readonly bootId: string;
  readonly run: { readonly number: number };
}

/** What the file of a log says about it: header copies and head words, written in turn. */
export class FileHead {
  readonly region: FileBackedRegion;
  /** Everything below this address is on the storage device. */
  syncedAddress = 0;
  /** Offset of the record that stands, or will stand, there. */
  syncedOffset = 0;
  /** Whether the newest copy says that the log is in use, in this boot of the machine. */
  isOpen = false;
  readonly #writer: HeadWriter;
  #sequence = 0;
  /** Of the newest copy that is on the device, as far as this process knows. */
  #syncedSequence = 0;
  /** What the newest copy says. */
  #lineage: readonly LineageEntry[] | undefined;
  #count = 0;

  /** @param found what an existing file says; nothing for a new one */
  constructor(region: FileBackedRegion, writer: HeadWriter, found?: FoundHead) {
    this.region = region;
    this.#writer = writer;
    if (found === undefined) return;
    this.syncedAddress = found.header.syncedAddress;
    this.syncedOffset = found.header.syncedOffset;
    this.isOpen = found.header.state === "open" && found.header.bootId === writer.bootId;
    this.#sequence = found.sequence;
    this.#lineage = found.header.lineage;
    this.#count = found.slot?.count ?? 0;
  }

  /** Notes what a sync has brought to the device; the next header tells it. */
  noteSynced(address: number, offset: number): void {
    this.syncedAddress = address;
    this.syncedOffset = offset;
  }

  /** Brings everything to the device, see {@link FileBackedRegion.sync}. */
  async sync(): Promise<void> {
    const sequence = this.#sequence;
    await this.region.sync();
    this.#syncedSequence = Math.max(this.#syncedSequence, sequence);
  }

  /** Like {@link sync}, but blocks the loop meanwhile. */
  syncNow(): void {
    this.region.syncNow();
    this.#syncedSequence = this.#sequence;
  }

  /** Whether the newest header copy is on the device, as far as this process knows. */
  get isHeaderSynced(): boolean {
    return this.#sequence <= this.#syncedSequence;
  }

  /**
   * Writes the header copy that is the older one; or, while the newest one is not on the device and says the same of epochs, that one again: a power cut could tear
   * both, and nothing would be known of the log.
   */
  writeHeader(log: PartitionLog, state: FileState, words: HeadWords = log): void {
    const isReplaced = !this.isHeaderSynced && (state !== "open" || this.isOpen);
    this.#writeCopy(log, state, words, isReplaced && isSameLineage(this.#lineage, log.lineage) ? 2 : 1);
  }

  /** @param step by how much the sequence grows: its lowest bit names the copy */
  #writeCopy(log: PartitionLog, state: FileState, words: HeadWords, step: 1 | 2): void {
    const { bytes, view, headerAt, capacityBytes } = this.region;
    const header: FileHeader = {
      topic: log.topic,
      partition: log.partition,
      capacityBytes,
      syncedAddress: this.syncedAddress,
      syncedOffset: this.syncedOffset,
      tailAddress: words.tailAddress,
      tailOffset: words.tail,
      lastTimestamp: log.lastTimestamp,
      state,
      bootId: this.#writer.bootId,
      run: this.#writer.run.number,
      lineage: log.lineage,
    };
    this.#sequence += step;
    this.#lineage = log.lineage;
    writeHeader(bytes, view, headerAt, { ...header, sequence: this.#sequence });
    this.region.save?.(headerAt + (this.#sequence % 2) * COPY_BYTES, COPY_BYTES);
    this.isOpen = state === "open";
  }

  /** Publishes head and tail: with every append. */
  publish(words: HeadWords): void {
    this.#count = (this.#count + 1) >>> 0;
    const { view, headerAt } = this.region;
    writeHeadWords(view, headerAt, this.#count, words);
    this.region.save?.(headerAt + SELECTOR_AT, HEAD_WORDS_BYTES);
  }

  /** Writes every copy of everything: so that there is always one to fall back on, or that all of it is written to the device anew. */
  writeAll(log: PartitionLog, state: FileState, words: HeadWords = log): void {
    this.#writeCopy(log, state, words, 1);
    this.#writeCopy(log, state, words, 1);
    this.publish(words);
    this.publish(words);
  }
}

/** A log's lineage grows at its end, and its oldest entries go. */
function isSameLineage(one: readonly LineageEntry[] | undefined, other: readonly LineageEntry[]): boolean {
  return one?.length === other.length && one.at(-1)?.epoch === other.at(-1)?.epoch;
}
