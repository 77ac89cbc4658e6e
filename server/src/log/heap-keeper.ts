import type { TopicHooks } from "./file-context.js";
import { LogCopy } from "./log-copy.js";
import type { ProducerMark } from "./port.js";
import { HeapRegion, type Region } from "./region/index.js";
import { FIRST_ALLOCATION_BYTES, type LogKeeper, type LogPlace } from "./log-keeper.js";
import type { PartitionLog } from "./ring-log.js";

/** Keeps a log in ordinary memory: there is nothing to recover, to sync or to let go. */
export class HeapKeeper implements LogKeeper {
  readonly #hooks: Pick<TopicHooks, "marked">;

  constructor(hooks: Pick<TopicHooks, "marked">) {
    this.#hooks = hooks;
  }

  open(log: PartitionLog): Region {
    const region = new HeapRegion(log.capacityBytes, FIRST_ALLOCATION_BYTES);
    log.attach(region, undefined);
    return region;
  }

  beforeAppend(log: PartitionLog): void {
    log.isDirty = true;
  }

  beforeTrim(): void {
    // Nothing to save: producer state ends with the process, as the records do.
  }

  afterMarked(log: PartitionLog, mark: ProducerMark, first: LogPlace, count: number): void {
    this.#hooks.marked(log, mark, first, count);
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
  }

  health(): void {
    // Only a batch that is too large is refused, and that is the publisher's affair.
  }
}
