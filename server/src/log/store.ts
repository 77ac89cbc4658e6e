import { join } from "node:path";
import { RingcastError, shown, type TopicConfig } from "@ringcast/protocol";
import { AgeClock, type Runtime, TimerWheel } from "../runtime/index.js";
import { BackgroundSync } from "./background-sync.js";
import { BlockCache } from "./block-cache.js";
import { Catalogue, type CataloguedTopic, unreadable } from "./catalogue/catalogue.js";
import { DataLimitError } from "./data-limit.js";
import { DeletedFiles } from "./deleted-files.js";
import type { DirectoryLock, Disk } from "./disk/index.js";
import type { FileContext } from "./file-context.js";
import { Healer } from "./healer.js";
import { EPOCH_LENGTH } from "./lineage.js";
import { MappedLogs } from "./mapped-logs.js";
import type { LogCounters, LogEvent, LogStore, RingLog, StoredTopic, TopicRow } from "./port.js";
import type { RetentionContext } from "./retention.js";
import { RetentionSchedule } from "./retention-schedule.js";
import type { RunFile } from "./run-file.js";
import { Topic } from "./topic.js";
import { TopicCache } from "./topic-cache.js";

/** A typed array can't be longer than 4 GiB on Node 20; header and rounding take the rest. */
export const MAX_CAPACITY_BYTES = 2 ** 32 - 2 * 65_536;
const DEFAULT_SYNC_INTERVAL_MS = 1_000;
const DEFAULT_HEAL_INTERVAL_MS = 1_000;
/** Mappings are limited by the system (vm.max_map_count, 65,530 by default), and so are open files. */
const DEFAULT_MAX_MAPPED_LOGS = 8_192;
/** Topics closed at once when the store is. */
const CLOSED_AT_ONCE = 8;
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
  readonly #context: FileContext;
  readonly #ages: AgeClock;
  readonly #retention: RetentionContext;
  readonly #topics: TopicCache;
  readonly #wheel: TimerWheel;
  readonly #schedule: RetentionSchedule;
  readonly #deletedFiles: DeletedFiles;
  readonly #mapped: MappedLogs;
  readonly #sync: BackgroundSync;
  readonly #healer: Healer;
  /** Bytes of all files, those of topics that nobody asked for included. */
  #fileBytes: number;
  #heapBytes = 0;
  #expiredRecords = 0;
  #closing: Promise<void> | undefined;
  maxDataBytes: number;
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
    this.maxDataBytes = options.maxDataBytes ?? 0;
    this.#topics = new TopicCache(runtime, (topic) => void this.#letGo(topic));
    this.#wheel = new TimerWheel(runtime);
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
    this.#retention = {
      ages: this.#ages,
      wheel: this.#wheel,
      expired: (records) => (this.#expiredRecords += records),
    };
    this.#schedule = new RetentionSchedule(runtime, this.#ages, this.#catalogue, (name) => this.#expire(name));
    this.#fileBytes = this.#catalogue.bytes;
    const region = disk.chooseRegion(logs, options.mmap ?? true);
    onEvent({ type: "region", ...region });
    this.#blocks = new BlockCache(runtime, (log) => this.onReadable?.(log));
    this.#context = {
      runtime,
      disk,
      blocks: this.#blocks,
      regions: region.kind,
      memory: this.#mapped.memory,
      directory: logs,
      bootId,
      run,
      onEvent,
      markOpen: (log) => this.#catalogue.markOpen(log.topic, log.partition),
      opened: (keeper) => this.#mapped.add(keeper),
      makeRoom: () => this.#mapped.letSomeGo(),
      dirtied: (keeper) => this.#sync.dirtied(keeper),
      failed: (keeper) => this.#healer.add(keeper),
      gone: (keeper) => {
        this.#mapped.delete(keeper);
        this.#sync.delete(keeper);
      },
      checkRoom: (bytes) => this.#checkRoom(bytes),
      grew: (bytes) => (this.#fileBytes += bytes),
      heapGrew: (bytes) => (this.#heapBytes += bytes),
      catalogueSynced: () => this.#catalogue.synced(),
    };
    try {
      this.#start();
    } catch (error) {
      // Its own trouble with the disk is the one that is thrown.
      void this.#catalogue.close().catch(() => undefined);
      throw error instanceof RingcastError ? error : unreadable(join(directory, "catalogue"), error);
    }
  }

  topic(name: string): StoredTopic | undefined {
    return this.#topic(name);
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
    if (this.#topic(name) !== undefined)
      throw new RingcastError("already_exists", `The topic ${shown(name)} exists already.`);
    checkCapacity(config);
    // Else the next start would take the new topic's files for those of the deleted one.
    this.#deletedFiles.ensureGone(name);
    const epochs = this.epochsAfterDeletion(name) ?? [];
    const fresh = this.#runtime.randomId(EPOCH_LENGTH);
    const partitions = Array.from({ length: config.partitions }, (_, partition) => ({
      lineage: [{ epoch: epochs[partition] ?? fresh, first: 0 }],
      head: 0,
      tail: 0,
      headAddress: 0,
      tailAddress: 0,
      lastTimestamp: 0,
      bytes: 0,
    }));
    const catalogued = { config, partitions, run: this.#run.number };
    this.#catalogue.putTopic(name, catalogued);
    this.#sync.catalogueChanged();
    const topic = this.#keep(name, catalogued, () => false);
    topic.retain(Infinity);
    return topic;
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
      this.#putState(topic);
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
    this.#topics.delete(name);
    topic.remove();
    this.#deletedFiles.remove(name, epochs.length);
    return epochs;
  }

  epochsAfterDeletion(name: string): readonly string[] | undefined {
    const deletion = this.#catalogue.deletion(name);
    // A topic may have been made anew since, and a power cut have taken all that told of it: its epochs don't come again.
    return deletion !== undefined && this.#run.isTrusted(deletion.run ?? 0) ? deletion.epochs : undefined;
  }

  get totalBytes(): number {
    return this.#fileBytes + this.#heapBytes;
  }

  get counters(): LogCounters {
    const { minorPageFault, majorPageFault } = process.resourceUsage();
    return {
      minorPageFaults: minorPageFault,
      majorPageFaults: majorPageFault,
      ...this.#blocks.counters,
      expiredRecords: this.#expiredRecords,
      unmappedLogs: this.#mapped.unmapped,
    };
  }

  get mappedBytes(): number {
    return this.#disk.mappedBytes;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // ---- topics --------------------------------------------------------------------------------------------------------

  #topic(name: string): Topic | undefined {
    const loaded = this.#topics.get(name);
    if (loaded !== undefined) return loaded;
    const catalogued = this.#catalogue.topic(name);
    if (catalogued === undefined) return undefined;
    const topic = this.#keep(name, this.#revived(catalogued), () => false);
    if (topic.isInDoubt) topic.distrust();
    topic.retain(catalogued.expiresMs ?? Infinity);
    return topic;
  }

  #existing(name: string): Topic {
    const topic = this.#topic(name);
    if (topic === undefined) throw new RingcastError("unknown_topic", `There is no topic ${shown(name)}.`);
    return topic;
  }

  #keep(name: string, catalogued: CataloguedTopic, wasOpen: (partition: number) => boolean): Topic {
    const topic = new Topic({
      name,
      catalogued,
      context: this.#context,
      catalogue: this.#catalogue,
      wasOpen,
      retention: this.#retention,
    });
    this.#topics.add(topic);
    return topic;
  }

  /** What was in memory is gone with the process before: such a topic begins anew, in an epoch of its own. */
  #revived(catalogued: CataloguedTopic): CataloguedTopic {
    if (catalogued.config.storage !== "memory") return catalogued;
    const epoch = this.#runtime.randomId(EPOCH_LENGTH);
    const partitions = catalogued.partitions.map(() => ({
      lineage: [{ epoch, first: 0 }],
      head: 0,
      tail: 0,
      headAddress: 0,
      tailAddress: 0,
      lastTimestamp: 0,
      bytes: 0,
    }));
    return { ...catalogued, partitions };
  }

  // ---- starting ------------------------------------------------------------------------------------------------------

  #start(): void {
    this.#deletedFiles.start();
    this.#catalogue.forgetDeletions(this.#ages.nowMs() - DELETION_KEPT_MS);
    const open = new Map<string, Set<number>>();
    for (const [name, partition] of this.#catalogue.openLogs()) {
      open.set(name, (open.get(name) ?? new Set()).add(partition));
    }
    for (const [name, partitions] of open) this.#recover(name, partitions);
    this.#schedule.start();
  }

  #recover(name: string, partitions: ReadonlySet<number>): void {
    const catalogued = this.#catalogue.topic(name);
    if (catalogued === undefined) return;
    const topic = this.#keep(name, catalogued, (partition) => partitions.has(partition));
    for (const partition of partitions) topic.recover(partition);
    if (topic.isInDoubt) topic.distrust();
    topic.recovered();
    topic.retain(0);
  }

  // ---- letting go ----------------------------------------------------------------------------------------------------

  /** Lets an unused topic go, unless somebody asks for it or writes to it meanwhile. */
  async #letGo(topic: Topic): Promise<void> {
    const { name } = topic;
    if (this.mayUnload?.(name) === false) return;
    try {
      if (!(await topic.rest())) return;
      // Whoever has asked since keeps it: the device may have taken so long that the clock has come by meanwhile and forgot that it was used.
      if (topic.isUsed || this.#closing !== undefined || !this.#topics.has(topic)) return;
      if (this.mayUnload?.(name) === false) return;
      const state = topic.describe({ closed: true });
      this.#catalogue.closeTopic(name, state);
      topic.retire();
      this.#topics.delete(name);
      if (state.expiresMs !== undefined) this.#schedule.noted(state.expiresMs);
    } catch (error) {
      // The storage refused, and an event has said so: the topic stays.
      if (!(error instanceof RingcastError)) throw error;
    }
  }

  /** Something of a topic is due that nobody asked for, or was when the catalogue heard of it the last time. */
  #expire(name: string): void {
    const topic = this.#topic(name);
    if (topic === undefined) return;
    topic.retain(0);
    this.#putState(topic);
  }

  #putState(topic: Topic): void {
    this.#catalogue.putTopic(topic.name, topic.describe());
  }

  #checkRoom(bytes: number): void {
    if (this.maxDataBytes === 0 || this.#fileBytes + bytes <= this.maxDataBytes) return;
    throw new DataLimitError(this.#fileBytes, this.maxDataBytes);
  }

  // ---- closing -------------------------------------------------------------------------------------------------------

  async #close(): Promise<void> {
    this.#sync.close();
    this.#mapped.close();
    this.#healer.close();
    this.#topics.close();
    this.#schedule.close();
    this.#wheel.stop();
    const backlog = [...this.#topics.values()];
    let unclean = 0;
    const work = async (): Promise<void> => {
      for (let topic = backlog.pop(); topic !== undefined; topic = backlog.pop()) {
        const state = await topic.close();
        if (state === undefined || !this.#noteClosed(topic.name, state)) unclean++;
      }
    };
    await Promise.all(Array.from({ length: CLOSED_AT_ONCE }, work));
    await this.#catalogue.close();
    if (unclean === 0) await this.#endRun();
    this.#run.close();
    this.#lock.release();
  }

  /** The catalogue may refuse: then the next start verifies the log. @returns whether it took it */
  #noteClosed(name: string, state: CataloguedTopic): boolean {
    try {
      this.#catalogue.closeTopic(name, state);
      return true;
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      return false;
    }
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
