/** Publishes the records of a backup as new messages: order within a partition, keys, headers and data stay, offsets and times are new. */
import type { Hub } from "@ringcast/client";
import {
  contentTypeOf,
  dataAtOf,
  dataEndOf,
  hasKey,
  headersAtOf,
  KEY_AT,
  lengthOf,
  type NewMessage,
} from "@ringcast/protocol";
import type { HubAddress } from "../hub-access.js";
import type { BackupTopic } from "./backup-file.js";
import type { RecordRun } from "./record-run.js";
import { describeOrMake, type RunTarget } from "./restore.js";

const BATCH_MESSAGES = 1_000;
const BATCH_BYTES = 262_144;

export class Renumberer implements RunTarget {
  readonly #hub: Hub<Record<string, unknown>>;
  readonly #address: HubAddress;
  readonly #partitions = new Map<string, number>();

  constructor(hub: Hub<Record<string, unknown>>, address: HubAddress) {
    this.#hub = hub;
    this.#address = address;
  }

  async topic({ name, config }: BackupTopic): Promise<void> {
    const { partitions } = await describeOrMake(this.#address, name, config);
    this.#partitions.set(name, partitions.length);
  }

  async run({ topic, partition, records }: RecordRun): Promise<number> {
    // Where the hub's topic has fewer partitions, the key chooses, as for any message.
    const options = partition < (this.#partitions.get(topic) ?? 0) ? { partition } : {};
    let stored = 0;
    for (const batch of batchesOf(records)) {
      await this.#hub.publishMany(
        topic,
        batch.map((data) => ({ data })),
        options,
      );
      stored += batch.length;
    }
    return stored;
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  /** New messages are as any others: what a ring lets go is not told to who publishes. */
  expired(): Promise<number> {
    return Promise.resolve(0);
  }
}

function* batchesOf(records: Uint8Array): Generator<NewMessage[]> {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  let batch: NewMessage[] = [];
  let bytes = 0;
  for (let at = 0; at < records.length; at += lengthOf(view, at)) {
    const length = lengthOf(view, at);
    if (batch.length >= BATCH_MESSAGES || (batch.length > 0 && bytes + length > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(messageAt(records, view, at));
    bytes += length;
  }
  if (batch.length > 0) yield batch;
}

function messageAt(records: Uint8Array, view: DataView, at: number): NewMessage {
  const headersAt = headersAtOf(view, at);
  const dataAt = dataAtOf(view, at);
  return {
    contentType: contentTypeOf(view, at),
    key: hasKey(view, at) ? records.subarray(at + KEY_AT, headersAt) : undefined,
    headers: records.subarray(headersAt, dataAt),
    data: records.subarray(dataAt, dataEndOf(view, at)),
  };
}
