/** Gives runs of records back to a hub at their own offsets, and goes on where an earlier restore stopped. */
import { RingcastError, shown, type TopicDescription } from "@ringcast/protocol";
import { request, send, type HubAddress } from "../hub-access.js";
import { topicPath } from "../topic-actions.js";
import type { BackupTopic } from "./backup-file.js";
import { encodeRun, runFrom, type RecordRun } from "./record-run.js";

const RECORDS_TYPE = "application/vnd.ringcast.records";

/** Takes what a backup holds. */
export interface RunTarget {
  /** Makes the topic where it isn't there. */
  topic(topic: BackupTopic): Promise<void>;
  /** @returns how many of its records were stored; the rest was there already */
  run(run: RecordRun): Promise<number>;
  /** @throws RingcastError where the end shows that the hub's topic is another one */
  end(): Promise<void>;
  /** Messages stored in this topic that its capacity or retention has let go since; 0 where that isn't known. */
  expired(topic: string): Promise<number>;
}

/** Where a partition of the hub stands. */
interface Place {
  head: number;
  epoch: string;
  /** Offset of the first record that was stored; undefined: none yet. */
  first: number | undefined;
  /** Epoch of the newest record of the file that the hub has already; undefined: none yet. */
  skipped: string | undefined;
}

/** Restores at the same offsets, epochs and times. */
export class Restorer implements RunTarget {
  readonly #address: HubAddress;
  readonly #places = new Map<string, Place>();

  constructor(address: HubAddress) {
    this.#address = address;
  }

  async topic({ name, config }: BackupTopic): Promise<void> {
    const description = await describeOrMake(this.#address, name, config);
    for (const { partition, head, epoch } of description.partitions) {
      this.#places.set(keyOf(name, partition), { head, epoch, first: undefined, skipped: undefined });
    }
  }

  async run(run: RecordRun): Promise<number> {
    const { topic, partition } = run;
    const place = this.#places.get(keyOf(topic, partition));
    if (place === undefined) {
      const message = `The hub's topic ${shown(topic)} has no partition ${partition}: delete it, or restore under another name with --as.`;
      throw new RingcastError("conflict", message);
    }
    if (run.first < place.head) place.skipped = run.epoch;
    const rest = runFrom(run, place.head);
    if (rest === undefined) return 0;
    checkHistory(rest, place);
    if (place.head > 0 && rest.first > place.head) {
      throw new RingcastError(
        "conflict",
        `Offsets ${place.head} to ${rest.first - 1} of ${topic}/${partition} are not in the file, so that what follows can't keep its offsets: --renumber publishes it as new messages.`,
      );
    }
    await this.#store(rest);
    place.first ??= rest.first;
    Object.assign(place, { head: rest.next, epoch: rest.epoch, skipped: undefined });
    return rest.next - rest.first;
  }

  async end(): Promise<void> {
    for (const [key, place] of this.#places) checkHistory(placeOf(key), place);
    return Promise.resolve();
  }

  async expired(topic: string): Promise<number> {
    const { partitions } = (await request(this.#address, "GET", topicPath(topic))) as TopicDescription;
    return partitions.reduce((sum, { partition, tail }) => {
      const first = this.#places.get(keyOf(topic, partition))?.first;
      return first === undefined ? sum : sum + Math.max(0, tail - first);
    }, 0);
  }

  async #store(run: RecordRun): Promise<void> {
    const path = `${topicPath(run.topic)}/partitions/${run.partition}/records`;
    await send(this.#address, "POST", path, { headers: { "Content-Type": RECORDS_TYPE }, body: encodeRun(run) });
  }
}

/**
 * The hub's description of a topic, which is made where it isn't there.
 *
 * @throws RingcastError what the hub refuses with
 */
export async function describeOrMake(
  address: HubAddress,
  topic: string,
  config: BackupTopic["config"],
): Promise<TopicDescription> {
  try {
    return (await request(address, "GET", topicPath(topic))) as TopicDescription;
  } catch (error) {
    if (!(error instanceof RingcastError) || error.code !== "unknown_topic") throw error;
    return (await request(address, "PUT", topicPath(topic), config)) as TopicDescription;
  }
}

/** What was there already must be what the file holds: the same epoch at the same offset is the same record. */
function checkHistory({ topic, partition }: Pick<RecordRun, "topic" | "partition">, { skipped, epoch }: Place): void {
  if (skipped === undefined || skipped === epoch) return;
  throw new RingcastError(
    "conflict",
    `${topic}/${partition} of the hub has another history than the file: delete the topic, restore under another name with --as, or publish as new messages with --renumber.`,
  );
}

/** Neither topics nor numbers hold a slash. */
function keyOf(topic: string, partition: number): string {
  return `${partition}/${topic}`;
}

function placeOf(key: string): { topic: string; partition: number } {
  const at = key.indexOf("/");
  return { topic: key.slice(at + 1), partition: Number(key.slice(0, at)) };
}
