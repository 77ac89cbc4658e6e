import { RingcastError, type TopicConfig } from "@ringcast/protocol";
import type { Catalogue, CataloguedTopic } from "./catalogue/catalogue.js";
import { type FileContext, FileKeeper, type TopicHooks } from "./file-keeper.js";
import { HeapKeeper } from "./heap-keeper.js";
import { Lineage } from "./lineage.js";
import type { ProducerMark, ProducerVerdict, StoredTopic } from "./port.js";
import type { Region } from "./region/index.js";
import { type LogKeeper, type LogPlace, PartitionLog } from "./ring-log.js";

/** What a topic is made of. */
export interface TopicOptions {
  readonly name: string;
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
  readonly #catalogue: Catalogue;

  constructor(options: TopicOptions) {
    const { name, catalogued, context, wasOpen } = options;
    this.name = name;
    this.config = catalogued.config;
    this.#catalogue = options.catalogue;
    const makeLog = (partition: number) => (keeper: LogKeeper) => this.#makeLog(catalogued, partition, keeper);
    if (this.config.storage === "memory") {
      this.keepers = [];
      this.partitions = catalogued.partitions.map((_, partition) => makeLog(partition)(new HeapKeeper(this)));
    } else {
      this.keepers = catalogued.partitions.map(
        (_, partition) => new FileKeeper(makeLog(partition), { context, hooks: this, wasOpen: wasOpen(partition) }),
      );
      this.partitions = this.keepers.map((keeper) => keeper.log);
    }
  }

  judge(_producer: ProducerMark, _partitions: readonly number[]): ProducerVerdict {
    return { kind: "new" };
  }

  /** Bytes on disk or heap. */
  get bytes(): number {
    return this.partitions.reduce((sum, log) => sum + log.allocatedBytes, 0);
  }

  /** Opens a log that the process before left open. A failure is told by an event, and concerns this log alone. */
  recover(partition: number): void {
    const keeper = this.keepers[partition];
    if (keeper === undefined) return;
    try {
      keeper.open(keeper.log);
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
    }
  }

  /** Closes all logs. @returns what the catalogue should know, undefined when a log couldn't be closed cleanly */
  async close(): Promise<CataloguedTopic | undefined> {
    const state = this.describe();
    let isClean = true;
    for (const keeper of this.keepers) isClean = (await keeper.close()) && isClean;
    return isClean ? state : undefined;
  }

  /** The topic as the catalogue should know it now. */
  describe(): CataloguedTopic {
    return {
      config: this.config,
      partitions: this.partitions.map((log) => ({
        lineage: log.lineage,
        head: log.head,
        tail: log.tail,
        headAddress: log.headAddress,
        tailAddress: log.tailAddress,
        lastTimestamp: log.lastTimestamp,
        bytes: log.allocatedBytes,
      })),
    };
  }

  lineageChanged(): void {
    this.#catalogue.putTopic(this.name, this.describe());
  }

  marked(_log: PartitionLog, _mark: ProducerMark, _place: LogPlace, _count: number): void {}

  trimming(_log: PartitionLog, _tailAddress: number): void {}

  found(_log: PartitionLog, _region: Region, _place: number, _where: LogPlace): void {}

  #makeLog(catalogued: CataloguedTopic, partition: number, keeper: LogKeeper): PartitionLog {
    const state = catalogued.partitions[partition] as CataloguedTopic["partitions"][number];
    const history = new Lineage(state.lineage, partition);
    const capacityBytes = this.config.capacityBytes - (this.config.capacityBytes % 8);
    const log = new PartitionLog({ topic: this.name, partition, capacityBytes, history, keeper });
    log.take(state);
    return log;
  }
}
