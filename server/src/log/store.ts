import { join } from "node:path";
import { RingcastError, shown, type TopicConfig } from "@ringcast/protocol";
import { AgeClock, type Runtime } from "../runtime/index.js";
import { BackgroundSync } from "./background-sync.js";
import { BlockCache } from "./block-cache.js";
import { Catalogue, unreadable } from "./catalogue/catalogue.js";
import { unwrittenPartition } from "./catalogue/changes.js";
import { DataUse } from "./data-limit.js";
import { DeletedFiles } from "./deleted-files.js";
import type { DirectoryLock, Disk } from "./disk/index.js";
import type { FileContext } from "./file-context.js";
import { Healer } from "./healer.js";
import { EPOCH_LENGTH } from "./lineage.js";
import { LoadedTopics } from "./loaded-topics.js";
import { MappedLogs } from "./mapped-logs.js";
import type { LogCounters, LogEvent, LogStore, RingLog, StoredTopic, TopicRow } from "./port.js";
import type { RunFile } from "./run-file.js";
import type { Topic } from "./topic.js";

/** A typed array can't be longer than 4 GiB on Node 20; header and rounding take the rest. */
export const MAX_CAPACITY_BYTES = 2 ** 32 - 2 * 65_536;
const DEFAULT_SYNC_INTERVAL_MS = 1_000;
const DEFAULT_HEAL_INTERVAL_MS = 1_000;
/** Mappings are limited by the system (vm.max_map_count, 65,530 by default), and so are open files. */
const DEFAULT_MAX_MAPPED_LOGS = 8_192;
/** As long as the state of producers: nobody resumes with older positions. */
const DELETION_KEPT_MS = 7 * 24 * 3_600_000;

export interface LogStoreOptions {
  /** Data directory; made if there is none. Belongs to one process at a time. */
  readonly directory: string;
  readonly runtime: Runtime;
  readonly onEvent: (event: LogEvent) => void;
  /** Longest time that something stays unsynced in the background, milliseconds; 1,000 by default. */
  readonly syncIntervalMs?: number;
  /** First pause before a log whose sync failed is written anew, milliseconds; 1,000 by default, longer while the device goes on failing. */
  readonly healIntervalMs?: number;
  /** File logs that are mapped at once; beyond it the least recently used are let go. 8,192 by default. */
  readonly maxMappedLogs?: number;
  /** Whether logs are mapped where the file system can be trusted with it; true by default. Else they are kept in memory and written to their files. */
  readonly mmap?: boolean;
  /** Bytes that all log files may take together; 0, the default: no limit. */
  readonly maxDataBytes?: number;
  /** Identity of this boot of the machine, 32 hexadecimal digits; what Linux says by default. A log left open by another boot is verified as after a power cut. */
  readonly bootId?: string;
  /** What the directory stands on; the file system of the process by default. */
  readonly disk?: Disk;
}

/** Folder of a data directory's log files. */
export function logsIn(directory: string): string {
  return join(directory, "logs");
}

/** The topics of one data directory. */
export class DirectoryLogStore implements LogStore {
  readonly #runtime: Runtime;
  readonly #lock: DirectoryLock;
  readonly #run: RunFile;
  readonly #catalogue: Catalogue;
  readonly #disk: Disk;
  readonly #blocks: BlockCache;
  readonly #ages: AgeClock;
  readonly #topics: LoadedTopics;
  readonly #deletedFiles: DeletedFiles;
  readonly #mapped: MappedLogs;
  readonly #sync: BackgroundSync;
  readonly #healer: Healer;
  readonly #use: DataUse;
  #closing: Promise<void> | undefined;
  onReadable: ((log: RingLog) => void) | undefined = undefined;
  mayUnload: ((topic: string) => boolean) | undefined = undefined;

  /** @param options whose directory has its folder of logs, and is held by the lock */
  constructor(
    options: LogStoreOptions & { readonly disk: Disk; readonly bootId: string },
    lock: DirectoryLock,
    run: RunFile,
  ) {
    const { directory, runtime, onEvent, disk, bootId } = options;
    const logs = logsIn(directory);
    this.#disk = disk;
    this.#runtime = runtime;
    this.#lock = lock;
    this.#run = run;
    this.#mapped = new MappedLogs(runtime, options.maxMappedLogs ?? DEFAULT_MAX_MAPPED_LOGS);
    this.#healer = new Healer(runtime, options.healIntervalMs ?? DEFAULT_HEAL_INTERVAL_MS);
    this.#catalogue = new Catalogue(disk, join(directory, "catalogue"));
    this.#deletedFiles = new DeletedFiles(disk, logs, this.#catalogue);
    this.#sync = new BackgroundSync({
      runtime,
      catalogue: this.#catalogue,
      intervalMs: options.syncIntervalMs ?? DEFAULT_SYNC_INTERVAL_MS,
      whenSynced: () => void this.#mapped.shrink(),
    });
    for (const { file, at, isDamage } of this.#catalogue.flaws)
      if (isDamage) onEvent({ type: "catalogue-damaged", file, at });
    this.#ages = new AgeClock(runtime, (byMs) => onEvent({ type: "clock-jumped", byMs }));
    this.#use = new DataUse(this.#catalogue.bytes, options.maxDataBytes ?? 0);
    const region = disk.chooseRegion(logs, options.mmap ?? true);
    onEvent({ type: "region", ...region });
    this.#blocks = new BlockCache(runtime, (log) => this.onReadable?.(log));
    const context = this.#context({ regions: region.kind, directory: logs, bootId, onEvent });
    this.#topics = new LoadedTopics({
      runtime,
      ages: this.#ages,
      catalogue: this.#catalogue,
      context,
      mayUnload: (name) => this.mayUnload?.(name) ?? true,
    });
    try {
      this.#deletedFiles.start();
      this.#catalogue.forgetDeletions(this.#ages.nowMs() - DELETION_KEPT_MS);
      this.#topics.start();
    } catch (error) {
      // Its own trouble with the disk is the one that is thrown.
      void this.#catalogue.close().catch(() => undefined);
      throw error instanceof RingcastError ? error : unreadable(join(directory, "catalogue"), error);
    }
  }

  topic(name: string): StoredTopic | undefined {
    return this.#topics.find(name);
  }

  topicNames(after?: string): Iterable<string> {
    return this.#catalogue.topicNames(after);
  }

  topicRows(after?: string): Iterable<TopicRow> {
    return this.#catalogue.topicRows(after);
  }

  get topicCount(): number {
    return this.#catalogue.topicCount;
  }

  createTopic(name: string, config: TopicConfig): StoredTopic {
    if (this.#topics.find(name) !== undefined)
      throw new RingcastError("already_exists", `The topic ${shown(name)} exists already.`);
    checkCapacity(config);
    // Else the next start would take the new topic's files for those of the deleted one.
    this.#deletedFiles.ensureGone(name);
    const epochs = this.epochsAfterDeletion(name) ?? [];
    const fresh = this.#runtime.randomId(EPOCH_LENGTH);
    const partitions = Array.from({ length: config.partitions }, (_, partition) =>
      unwrittenPartition(epochs[partition] ?? fresh),
    );
    const catalogued = { config, partitions, run: this.#run.number };
    this.#catalogue.putTopic(name, catalogued);
    this.#sync.catalogueChanged();
    return this.#topics.add(name, catalogued);
  }

  configureTopic(name: string, config: TopicConfig): void {
    const topic = this.#existing(name);
    for (const field of ["partitions", "storage"] as const) {
      if (config[field] === topic.config[field]) continue;
      const message = `${field} of ${shown(name)} is fixed at ${shown(topic.config[field])} since it was made.`;
      throw new RingcastError("conflict", message, { field });
    }
    checkCapacity(config);
    this.#catalogue.putTopic(name, { ...topic.describe(), config });
    this.#sync.catalogueChanged();
    topic.configure(config);
    // Again: by other limits other records are due. What the catalogue doesn't take of that, the log's own file says.
    try {
      this.#catalogue.putTopic(name, topic.describe());
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
    }
  }

  deleteTopic(name: string): readonly string[] {
    const topic = this.#existing(name);
    const epoch = this.#runtime.randomId(EPOCH_LENGTH);
    const epochs = topic.partitions.map(() => epoch);
    const deletion = { epochs, deletedMs: this.#ages.nowMs(), run: this.#run.number };
    this.#catalogue.deleteTopic(name, epochs.length, deletion);
    this.#sync.catalogueChanged();
    this.#topics.remove(topic);
    this.#deletedFiles.remove(name, epochs.length);
    return epochs;
  }

  epochsAfterDeletion(name: string): readonly string[] | undefined {
    const deletion = this.#catalogue.deletion(name);
    // A topic may have been made anew since, and a power cut have taken all that told of it: its epochs don't come again.
    return deletion !== undefined && this.#run.isTrusted(deletion.run ?? 0) ? deletion.epochs : undefined;
  }

  get totalBytes(): number {
    return this.#use.fileBytes + this.#use.heapBytes;
  }

  get counters(): LogCounters {
    const { minorPageFault, majorPageFault } = process.resourceUsage();
    return {
      minorPageFaults: minorPageFault,
      majorPageFaults: majorPageFault,
      ...this.#blocks.counters,
      expiredRecords: this.#topics.expiredRecords,
      unmappedLogs: this.#mapped.unmapped,
    };
  }

  get maxDataBytes(): number {
    return this.#use.maxFileBytes;
  }

  set maxDataBytes(bytes: number) {
    this.#use.maxFileBytes = bytes;
  }

  get mappedBytes(): number {
    return this.#disk.mappedBytes;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What the file logs share, beyond what the store has found out. */
  #context(found: Pick<FileContext, "regions" | "directory" | "bootId" | "onEvent">): FileContext {
    return {
      ...found,
      runtime: this.#runtime,
      disk: this.#disk,
      blocks: this.#blocks,
      memory: this.#mapped.memory,
      run: this.#run,
      markOpen: (log) => this.#catalogue.markOpen(log.topic, log.partition),
      opened: (keeper) => this.#mapped.add(keeper),
      makeRoom: () => this.#mapped.letSomeGo(),
      dirtied: (keeper) => this.#sync.dirtied(keeper),
      failed: (keeper) => this.#healer.add(keeper),
      gone: (keeper) => {
        this.#mapped.delete(keeper);
        this.#sync.delete(keeper);
      },
      checkRoom: (bytes) => this.#use.checkRoom(bytes),
      grew: (bytes) => (this.#use.fileBytes += bytes),
      heapGrew: (bytes) => (this.#use.heapBytes += bytes),
      catalogueSynced: () => this.#catalogue.synced(),
    };
  }

  #existing(name: string): Topic {
    const topic = this.#topics.find(name);
    if (topic === undefined) throw new RingcastError("unknown_topic", `There is no topic ${shown(name)}.`);
    return topic;
  }

  async #close(): Promise<void> {
    this.#sync.close();
    this.#mapped.close();
    this.#healer.close();
    const isClean = await this.#topics.close();
    await this.#catalogue.close();
    if (isClean) await this.#endRun();
    this.#run.close();
    this.#lock.release();
  }

  /** Where the device doesn't take it, the logs are verified once more after the next boot. */
  async #endRun(): Promise<void> {
    await this.#run.end().catch(() => undefined);
  }
}

function checkCapacity(config: TopicConfig): void {
  if (config.capacityBytes <= MAX_CAPACITY_BYTES) return;
  const message = `capacityBytes must be at most ${MAX_CAPACITY_BYTES}, not ${config.capacityBytes}.`;
  throw new RingcastError("bad_request", message, { field: "capacityBytes" });
}
