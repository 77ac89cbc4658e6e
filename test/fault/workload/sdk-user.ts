/** Publishes and reads through the SDK, which hides what happens to its connection: nothing may be missing, and nothing come twice. */
import { type AnyTopics, connect, type Hub, type SubscribeFrom, type Subscription } from "@ringcast/client";
import type { Random } from "../../support/random.js";
import { digestOf, readingOf, type Recorder } from "./recorder.js";
import type { Surroundings } from "./surroundings.js";

export interface SdkUserOptions {
  readonly name: string;
  readonly topic: string;
  readonly random: Random;
  readonly recorder: Recorder;
  readonly surroundings: Surroundings;
  /** The longest pause behind a publish, milliseconds; none by default. */
  readonly thinkMs?: number;
  /** The longest of its pauses while it reads, milliseconds: one message in forty is followed by one; none by default. */
  readonly pauseMs?: number;
  readonly window?: number;
  /** It begins its subscription anew, at the position where it was, behind one message in so many; never by default. */
  readonly resubscribesOneIn?: number;
}

export class SdkUser {
  readonly #options: SdkUserOptions;
  readonly #hub: Hub<AnyTopics>;
  readonly #offsets = new Map<number, number>();
  #subscription: Subscription;
  #subscriptions = 0;
  #reader = "";
  #mayPublish = true;
  #isHurried = false;
  #isClosed = false;

  constructor(options: SdkUserOptions) {
    this.#options = options;
    const { url, options: given } = options.surroundings.sdk;
    this.#hub = connect(url, given);
    this.#subscription = this.#subscribe("earliest");
  }

  async read(): Promise<void> {
    for (;;) {
      await this.#readOn();
      if (this.#isClosed) return;
      this.#begin();
    }
  }

  /** Publishes one after another until stopped. */
  async publish(): Promise<void> {
    const { recorder, name, topic, thinkMs = 0, random, surroundings } = this.#options;
    for (let number = 0; this.#mayPublish; number++) {
      const data = { value: `${name}-${number}`, filler: "" };
      const call = recorder.nextCall();
      const values = [{ value: data.value, digest: digestOf({ data }) }];
      // Behind one promise the SDK may send it several times: one client, one producer.
      const producer = { id: name, sequence: number };
      recorder.tell({ type: "publish", call, client: name, topic, values, durability: "stored", producer });
      try {
        const { partition, epoch, offset, timestamp } = await this.#hub.publish(topic, data);
        const places = [{ topic, partition, epoch, offset }];
        recorder.tell({ type: "published", call, places, timestamp, isDuplicate: false });
      } catch {
        recorder.tell({ type: "unknown", call });
      }
      if (thinkMs > 0) await surroundings.pause(random.below(thinkMs));
    }
  }

  stopPublishing(): void {
    this.#mayPublish = false;
  }

  /** No more pauses, no more subscriptions. */
  hurry(): void {
    this.#isHurried = true;
  }

  offsetIn(partition: number): number | undefined {
    return this.#offsets.get(partition);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#subscription.close();
    await this.#hub.close();
  }

  /** Reads until the subscription ends, or is left. */
  async #readOn(): Promise<void> {
    const { topic, recorder, random, surroundings, resubscribesOneIn, pauseMs = 0 } = this.#options;
    for await (const message of this.#subscription) {
      const { partition, epoch, offset, timestamp, key, headers, data } = message;
      const wire = { offset, timestamp, data, headers, ...(key === undefined ? {} : { key }) };
      recorder.tell({ type: "delivered", reader: this.#reader, ...readingOf(topic, partition, epoch, wire) });
      this.#offsets.set(partition, offset + 1);
      if (this.#isHurried) continue;
      if (pauseMs > 0 && random.oneIn(40)) await surroundings.pause(random.below(pauseMs));
      if (resubscribesOneIn !== undefined && random.oneIn(resubscribesOneIn)) break;
    }
  }

  /** A subscription at the position where the one before was left. */
  #begin(): void {
    this.#options.recorder.tell({ type: "closed", reader: this.#reader });
    this.#subscription = this.#subscribe(this.#subscription.position);
  }

  #subscribe(from: SubscribeFrom): Subscription {
    const { name, topic, recorder, window } = this.#options;
    const reader = `${name} ${++this.#subscriptions}`;
    this.#reader = reader;
    recorder.tell({ type: "open", reader, user: name, topic, via: "sdk", resumes: resumesOf(from), isFiltered: false });
    return this.#hub.subscribe(topic, {
      from,
      ...(window === undefined ? {} : { window }),
      onGap: ({ partition, from: first, to, reason, epoch, next }) => {
        recorder.tell({ type: "gap", reader, partition, from: first, to, reason, epoch, next });
        this.#offsets.set(partition, next);
      },
    });
  }
}

/** The positions of a start. */
function resumesOf(from: SubscribeFrom): { partition: number; epoch: string; offset: number }[] {
  if (typeof from !== "object" || !("positions" in from)) return [];
  return Object.entries(from.positions).map(([partition, { epoch, offset }]) => ({
    partition: Number(partition),
    epoch,
    offset,
  }));
}
