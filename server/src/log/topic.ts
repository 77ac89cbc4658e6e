import { readProducerPart, RingcastError, timestampOf, type TopicConfig } from "@ringcast/protocol";
import type { Catalogue, CataloguedTopic } from "./catalogue/catalogue.js";
import type { FileContext, TopicHooks } from "./file-context.js";
import { FileKeeper } from "./file-keeper.js";
import { HeapKeeper } from "./heap-keeper.js";
import { Lineage } from "./lineage.js";
import type { ProducerMark, ProducerVerdict, StoredTopic } from "./port.js";
import { Producers, type ProducerShelf } from "./producers/producers.js";
import type { Region } from "./region/index.js";
import type { LogKeeper, LogPlace } from "./log-keeper.js";
import { LogRetention, type RetentionContext } from "./retention.js";
import { PartitionLog } from "./ring-log.js";

/** What a topic is made of. */
export interface TopicOptions {
  readonly name: string;
  readonly retention: RetentionContext;
  readonly catalogued: CataloguedTopic;
  readonly context: FileContext;
  readonly catalogue: Catalogue;
  /** Whether the process before this one left a partition's log open. */
  readonly wasOpen: (partition: number) => boolean;
}

/** A topic with its logs, as the store keeps it once somebody asked for it. */
export class Topic implements StoredTopic, TopicHooks {
  readonly name: string;
  config: TopicConfig;
  readonly partitions: readonly PartitionLog[];
  readonly keepers: readonly FileKeeper[];
  readonly #heapKeepers: readonly HeapKeeper[] = [];
  readonly #catalogue: Catalogue;
  readonly #hubRun: number;
  /** What the catalogue said of the topic was as of this run of the hub; its own unless a power cut has put that in doubt. */
  readonly #run: number;
  /** {@link distrust} was called. */
  #isLookedAt = false;
  readonly #producers: Producers;
  readonly #retentionContext: RetentionContext;
  /** For each log, where records expire by age or count. */
  #retentions: readonly LogRetention[] = [];
  /** Asked for since it was last looked at; what is not is let go in the end. */
  isUsed = true;
  /** Whose logs could not be opened at the start. */
  readonly #unrecovered = new Set<FileKeeper>();
  /** For each partition the lowest address of a producer part that is nowhere but in the log. */
  readonly #unsaved: Float64Array;

  constructor(options: TopicOptions) {
    const { name, catalogued, context, wasOpen } = options;
    this.name = name;
    this.config = catalogued.config;
    this.#catalogue = options.catalogue;
    this.#hubRun = context.run.number;
    this.#run = context.run.isTrusted(catalogued.run ?? 0) ? this.#hubRun : (catalogued.run ?? 0);
    this.#retentionContext = options.retention;
    this.#unsaved = new Float64Array(catalogued.partitions.length).fill(Infinity);
    this.#producers = new Producers(this.config.storage === "memory" ? undefined : this.#shelf());
    const makeLog = (partition: number) => (keeper: LogKeeper) => this.#makeLog(catalogued, partition, keeper);
    if (this.config.storage === "memory") {
      this.keepers = [];
      const keepers = catalogued.partitions.map(() => new HeapKeeper(this, context.heapGrew));
      this.partitions = keepers.map((keeper, partition) => makeLog(partition)(keeper));
      this.#heapKeepers = keepers;
    } else {
      this.keepers = catalogued.partitions.map(
        (_, partition) => new FileKeeper(makeLog(partition), { context, hooks: this, wasOpen: wasOpen(partition) }),
      );
      this.partitions = this.keepers.map((keeper) => keeper.log);
    }
  }

  judge(producer: ProducerMark, partitions: readonly number[]): ProducerVerdict {
    this.#recoverRest();
    return this.#producers.judge(producer, partitions, this.#retentionContext.ages.nowMs());
  }

  /** Opens a log that the process before left open. A failure is told by an event, and concerns this log alone. */
  recover(partition: number): void {
    const keeper = this.keepers[partition];
    if (keeper !== undefined && !isDone(() => keeper.open())) this.#unrecovered.add(keeper);
  }

  /**
   * Opens what could not be opened at the start: nothing else tells what it has of producers.
   * @throws RingcastError `unavailable` while that fails
   */
  #recoverRest(): void {
    for (const keeper of this.#unrecovered) {
      if (keeper.log.region === undefined) keeper.open();
      this.#unrecovered.delete(keeper);
    }
  }

  /** Whether a power cut may have taken records, and everything that told of them: then {@link distrust} comes before all else. */
  get isInDoubt(): boolean {
    if (this.#run === this.#hubRun) return false;
    return !this.#isLookedAt || this.keepers.some((keeper) => keeper.isInDoubt);
  }

  /** Has each log looked at. A failure is told by an event, and concerns its log alone; the topic stays in doubt until that one could be opened. */
  distrust(): void {
    for (const keeper of this.keepers) isDone(() => keeper.distrust());
    this.#isLookedAt = true;
    if (!this.isInDoubt) isDone(() => this.lineageChanged());
  }

  /**
   * Begins to let records expire by age and count; called when the logs that were left open are recovered.
   * @param dueMs nothing is due before; 0 where that isn't known
   */
  retain(dueMs: number): void {
    const { retentionMs, retentionRecords } = this.config;
    const isRetained = retentionMs > 0 || retentionRecords > 0;
    if (isRetained && this.#retentions.length === 0) this.#makeRetentions();
    for (const retention of this.#retentions) retention.begin(dueMs);
  }

  /** Closes all logs. @returns what the catalogue should know, undefined when a log couldn't be closed cleanly */
  async close(): Promise<CataloguedTopic | undefined> {
    for (const retention of this.#retentions) retention.close();
    this.#saveProducers();
    let isClean = true;
    for (const keeper of this.keepers) isClean = (await keeper.close()) && isClean;
    return isClean ? this.describe({ closed: true }) : undefined;
  }

  /**
   * Closes the files of an idle topic while the hub goes on.
   * @returns whether it could be let go: nobody used it meanwhile
   */
  async rest(): Promise<boolean> {
    // What is in memory alone can't be let go.
    if (this.#heapKeepers.length > 0) return false;
    this.#saveProducers();
    for (const keeper of this.keepers) if (!(await keeper.rest())) return false;
    return this.keepers.every((keeper) => keeper.isResting);
  }

  /** Lets go of everything; whoever has this object still can't use it any more. */
  retire(): void {
    for (const retention of this.#retentions) retention.close();
    for (const keeper of this.keepers) keeper.retire();
  }

  /** Lets go of everything for good; the files are to be removed next. */
  remove(): void {
    for (const retention of this.#retentions) retention.close();
    for (const keeper of this.keepers) keeper.remove();
    this.#heapKeepers.forEach((keeper, partition) => keeper.remove(this.partitions[partition] as PartitionLog));
  }

  /** The topic as the catalogue should know it now. `closed`: all its logs are closed cleanly. */
  describe({ closed }: { readonly closed: boolean } = { closed: false }): CataloguedTopic {
    const isQuiet = closed || this.keepers.every((keeper) => !keeper.isMarkedOpen);
    const expiresMs = isQuiet ? Math.min(...this.#retentions.map(({ dueMs }) => dueMs)) : Infinity;
    return {
      config: this.config,
      run: this.isInDoubt ? this.#run : this.#hubRun,
      ...(expiresMs < Infinity && this.config.storage === "file" ? { expiresMs } : undefined),
      partitions: this.partitions.map((log) => ({
        lineage: log.lineage,
        head: log.head,
        tail: log.tail,
        headAddress: log.headAddress,
        tailAddress: log.tailAddress,
        lastTimestamp: log.lastTimestamp,
        bytes: log.storedBytes,
      })),
    };
  }

  lineageChanged(): void {
    this.#catalogue.putTopic(this.name, this.describe());
  }

  marked(log: PartitionLog, mark: ProducerMark, place: LogPlace, count: number): void {
    const { partition, epoch } = log;
    const { sequence, digest } = mark;
    this.#unsaved[partition] = Math.min(this.#unsaved[partition] as number, place.address);
    const { offset: first, timestamp } = place;
    this.#producers.record(mark.id, { sequence, partition, epoch, first, count, timestamp, digest });
  }

  trimming(log: PartitionLog, tailAddress: number): void {
    if ((this.#unsaved[log.partition] as number) < tailAddress) this.#saveProducers();
  }

  moving(): void {
    this.#saveProducers();
  }

  emptied(log: PartitionLog): void {
    const isQuiet = this.keepers.every((keeper) => keeper.log === log || !keeper.isMarkedOpen);
    const { partitions, ...topic } = this.describe({ closed: isQuiet });
    const isEmptied = (partition: number): boolean => partition === log.partition;
    const nothing = { headAddress: 0, tailAddress: 0, bytes: 0 };
    const states = partitions.map((state, partition) => (isEmptied(partition) ? { ...state, ...nothing } : state));
    this.#catalogue.emptyLog(this.name, { ...topic, partitions: states }, log.partition);
  }

  found(log: PartitionLog, region: Region, place: number, where: { offset: number; address: number }): void {
    const part = readProducerPart(region.bytes, region.view, place);
    if (part === undefined) return;
    const { partition } = log;
    const { id, sequence, count, digest } = part;
    const epoch = log.history.epochOf(where.offset);
    const timestamp = timestampOf(region.view, place);
    this.#unsaved[partition] = Math.min(this.#unsaved[partition] as number, where.address);
    this.#producers.found(id, { sequence, partition, epoch, first: where.offset, count, timestamp, digest });
  }

  configure(config: TopicConfig): void {
    this.config = config;
    for (const log of this.partitions) log.resize(wholeWords(config.capacityBytes));
    const { retentionMs, retentionRecords } = config;
    if (this.#retentions.length > 0) for (const retention of this.#retentions) retention.configure(config);
    else if (retentionMs > 0 || retentionRecords > 0) this.retain(0);
  }

  /** Called when all logs that the process before left open are recovered. */
  recovered(): void {
    this.#producers.unite();
  }

  #makeRetentions(): void {
    this.#retentions = this.partitions.map((log, partition) => {
      const emptier = this.keepers[partition] ?? (this.#heapKeepers[partition] as HeapKeeper);
      const retention = new LogRetention(log, this.config, emptier, this.#retentionContext);
      log.retention = retention;
      return retention;
    });
  }

  #saveProducers(): void {
    this.#producers.save();
    this.#unsaved.fill(Infinity);
  }

  #shelf(): ProducerShelf {
    return {
      producers: () => this.#catalogue.producers(this.name),
      putProducers: (states) => this.#catalogue.putProducers(this.name, states),
      isStillThere: ({ partition, epoch, first }) => {
        const end = this.partitions[partition]?.history.endOf(epoch) ?? -1;
        return first < end;
      },
    };
  }

  #makeLog(catalogued: CataloguedTopic, partition: number, keeper: LogKeeper): PartitionLog {
    const state = catalogued.partitions[partition] as CataloguedTopic["partitions"][number];
    const history = new Lineage(state.lineage, partition);
    const capacityBytes = wholeWords(this.config.capacityBytes);
    const log = new PartitionLog({
      topic: this.name,
      partition,
      capacityBytes,
      history,
      keeper,
      storedBytes: state.bytes,
    });
    log.take(state);
    return log;
  }
}

/** Does what the storage may refuse. @returns whether it was done */
function isDone(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof RingcastError)) throw error;
    return false;
  }
}

/** Records are aligned to 8, and so is the end of a ring. */
function wholeWords(bytes: number): number {
  return bytes - (bytes % 8);
}
