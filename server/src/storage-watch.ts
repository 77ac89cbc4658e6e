/** Tells the log and the metrics what happens to the storage, and keeps which partitions take nothing at the moment. */
import type { HubEvent } from "./hub/index.js";
import type { LogEvent } from "./log/index.js";
import type { Logger } from "./telemetry/index.js";

export class StorageWatch {
  readonly #log: Logger;
  readonly #failed = new Set<string>();
  /** Told how long each sync to the storage device took, in milliseconds. */
  onSync: (tookMs: number) => void = () => {};

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Partitions that refuse publishes after a storage error. */
  get failedPartitions(): number {
    return this.#failed.size;
  }

  /** Takes what the log store reports. */
  logEvent(event: LogEvent): void {
    if (event.type === "synced") {
      this.onSync(event.tookMs);
      return;
    }
    if (event.type === "clock-jumped") {
      const { byMs } = event;
      this.#log.warn({ byMs }, "the machine's clock jumped; where it went ahead, age limits follow step by step");
      return;
    }
    if (event.type === "region") {
      this.#log.info({ region: event.kind, reason: event.reason }, "how logs are kept");
      return;
    }
    if (event.type === "catalogue-damaged") {
      const { file, at } = event;
      this.#log.error({ file, at }, "changes of the catalogue are damaged: look at the topics and their configuration");
      return;
    }
    const { type, topic, partition, ...facts } = event;
    const where = { topic, partition };
    switch (type) {
      case "recovered":
        this.#recovered({ ...where, ...facts });
        return;
      case "corrupt":
        this.#log.error({ ...where, ...facts }, "records are damaged on disk; readers are told a gap");
        return;
      case "set-aside":
        this.#log.error({ ...where, ...facts }, "a log's file was set aside");
        return;
      case "missing":
        this.#log.error({ ...where, ...facts }, "a log's file is missing; the log began anew");
        return;
      case "failed":
        this.#failed.add(nameOf(where));
        this.#log.error(
          { ...where, err: event.error },
          "the storage failed; publishes are refused until it works again",
        );
        return;
      case "healthy":
        this.#failed.delete(nameOf(where));
        this.#log.info(where, "the storage works again");
    }
  }

  /** Takes what the hub reports. */
  hubEvent(event: HubEvent): void {
    switch (event.type) {
      case "topic-created":
        this.#log.debug({ topic: event.topic }, "topic created");
        return;
      case "topic-deleted":
        this.#forget(event.topic);
        this.#log.info({ topic: event.topic }, "topic deleted");
        return;
      case "delivery-failed":
        this.#log.error({ err: event.error }, "a delivery failed; its connection was closed");
        return;
      case "corrupt": {
        const { topic, partition, from, to } = event;
        this.#log.error({ topic, partition, from, to }, "records failed their check; readers are told a gap");
      }
    }
  }

  #recovered(facts: object): void {
    const lost = "newEpoch" in facts && facts.newEpoch !== undefined;
    if (lost) this.#log.warn(facts, "records of a log may be missing: it goes on in a new epoch");
    else this.#log.info(facts, "a log was recovered");
  }

  #forget(topic: string): void {
    for (const name of this.#failed) if (name.startsWith(`${topic}/`)) this.#failed.delete(name);
  }
}

/** Topics hold no slash. */
function nameOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}
