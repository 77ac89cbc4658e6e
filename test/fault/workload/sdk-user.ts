/** Publishes and reads through the SDK, which hides what happens to its connection: nothing may be missing, and nothing come twice. */
import { type AnyTopics, connect, type Hub, type Subscription } from "@ringcast/client";
import { digestOf, readingOf, type Recorder } from "./recorder.js";

export class SdkUser {
  readonly #name: string;
  readonly #topic: string;
  readonly #recorder: Recorder;
  readonly #hub: Hub<AnyTopics>;
  readonly #subscription: Subscription;
  readonly #offsets = new Map<number, number>();
  #mayPublish = true;

  /** @param url of the hub, `ws://…` */
  constructor(name: string, url: string, topic: string, recorder: Recorder) {
    this.#name = name;
    this.#topic = topic;
    this.#recorder = recorder;
    this.#hub = connect(url);
    const told = { reader: name, user: name, topic, via: "sdk", resumes: [], isFiltered: false };
    recorder.tell({ type: "open", ...told });
    this.#subscription = this.#hub.subscribe(topic, {
      from: "earliest",
      onGap: ({ partition, from, to, reason, epoch, next }) => {
        recorder.tell({ type: "gap", reader: name, partition, from, to, reason, epoch, next });
        this.#offsets.set(partition, next);
      },
    });
  }

  async read(): Promise<void> {
    for await (const message of this.#subscription) {
      const { partition, epoch, offset, timestamp, key, headers, data } = message;
      const wire = { offset, timestamp, data, headers, ...(key === undefined ? {} : { key }) };
      this.#recorder.tell({ type: "delivered", reader: this.#name, ...readingOf(this.#topic, partition, epoch, wire) });
      this.#offsets.set(partition, offset + 1);
    }
  }

  /** Publishes one after another until stopped. */
  async publish(): Promise<void> {
    for (let number = 0; this.#mayPublish; number++) {
      const data = { value: `${this.#name}-${number}`, filler: "" };
      const call = this.#recorder.nextCall();
      const values = [{ value: data.value, digest: digestOf({ data }) }];
      // Behind one promise the SDK may send it several times: one client, one producer.
      const producer = { id: this.#name, sequence: number };
      const told = { call, client: this.#name, topic: this.#topic, values, durability: "stored", producer } as const;
      this.#recorder.tell({ type: "publish", ...told });
      try {
        const { partition, epoch, offset, timestamp } = await this.#hub.publish(this.#topic, data);
        const places = [{ topic: this.#topic, partition, epoch, offset }];
        this.#recorder.tell({ type: "published", call, places, timestamp, isDuplicate: false });
      } catch {
        this.#recorder.tell({ type: "unknown", call });
      }
    }
  }

  stopPublishing(): void {
    this.#mayPublish = false;
  }

  offsetIn(partition: number): number | undefined {
    return this.#offsets.get(partition);
  }

  async close(): Promise<void> {
    await this.#subscription.close();
    await this.#hub.close();
  }
}
