import type { TopicHooks } from "./file-context.js";
import { LogCopy } from "./log-copy.js";
import type { ProducerMark } from "./port.js";
import { HeapRegion, type Region } from "./region/index.js";
import { FIRST_ALLOCATION_BYTES, type LogKeeper, type LogPlace, type LogState } from "./log-keeper.js";
import { Lineage } from "./lineage.js";
import type { PartitionLog } from "./ring-log.js";

/** Keeps a log in ordinary memory: there is nothing to recover, to sync or to let go. */
export class HeapKeeper implements LogKeeper {
  readonly blocks = undefined;
  readonly hasFile = false;
  readonly #hooks: Pick<TopicHooks, "marked">;

  #countedBytes = 0;
  readonly #grew: (bytes: number) => void;

  /** @param grew told how many bytes more, or less, the log takes */
  constructor(hooks: Pick<TopicHooks, "marked">, grew: (bytes: number) => void) {
    this.#hooks = hooks;
    this.#grew = grew;
  }

  open(log: PartitionLog): Region {
    const region = new HeapRegion(log.capacityBytes, FIRST_ALLOCATION_BYTES);
    log.attach(region, undefined);
    this.afterGrow(log);
    return region;
  }

  ensureKnown(): void {
    // It has no file.
  }

  beforeAppend(log: PartitionLog): void {
    log.isDirty = true;
  }

  beforeTrim(): void {
    // Nothing to save: producer state ends with the process, as the records do.
  }

  beforeGrow(): void {
    // The limit is on what the data directory holds.
  }

  afterGrow(log: PartitionLog): void {
    this.#grew(log.storedBytes - this.#countedBytes);
    this.#countedBytes = log.storedBytes;
  }

  /** Lets the memory of a log without records go. */
  empty(log: PartitionLog): Promise<boolean> {
    log.release();
    log.restart();
    this.afterGrow(log);
    return Promise.resolve(true);
  }

  /** Lets the memory go for good. */
  remove(log: PartitionLog): void {
    log.release();
    this.#grew(-this.#countedBytes);
    this.#countedBytes = 0;
  }

  afterMarked(log: PartitionLog, mark: ProducerMark, first: LogPlace, count: number): void {
    this.#hooks.marked(log, mark, first, count);
  }

  begin(log: PartitionLog, state: LogState): void {
    log.restore(state, new Lineage(state.lineage, log.partition));
  }

  beforeEpoch(): void {
    // Nothing is on a device.
  }

  lineageExtended(): void {
    // Epochs end with the process, as the records do.
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }

  /** At once: a copy within memory takes milliseconds for the usual capacities, and nobody has to be asked for space. */
  resize(log: PartitionLog, capacityBytes: number): void {
    if (log.region === undefined) {
      log.capacityBytes = capacityBytes;
      return;
    }
    const region = new HeapRegion(capacityBytes, FIRST_ALLOCATION_BYTES);
    const copy = new LogCopy(log, region);
    while (!copy.step(Infinity));
    log.moveTo(region, copy, undefined);
    this.afterGrow(log);
  }

  health(): void {
    // Only a batch that is too large is refused, and that is the publisher's affair.
  }
}
