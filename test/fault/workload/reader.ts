/** Reads as long as it may: over WebSocket, in either dialect, from where it stood when the connection broke; slowly, or not at all for a while. */
import type { Open } from "../history/history.js";
import { BinaryClient } from "../../support/binary-client.js";
import type { AnyFrame, FrameClient } from "../../support/frame-client.js";
import { JsonClient } from "../../support/json-client.js";
import type { Random } from "../../support/random.js";
import type { Dialect } from "./publisher.js";
import { boundsOf, readingOf, type Recorder } from "./recorder.js";

export interface ReaderOptions {
  readonly name: string;
  readonly url: string;
  readonly topic: string;
  readonly dialect: Dialect;
  readonly from: "earliest" | "latest";
  /** Records that may wait for an `ack`; 0: all. */
  readonly window: number;
  readonly random: Random;
  readonly recorder: Recorder;
}

const RETRY_MS = 20;
const LOOK_EVERY_MS = 100;

export class Reader {
  readonly #options: ReaderOptions;
  /** Where the next record of each partition stands. */
  readonly #positions = new Map<number, { epoch: string; offset: number }>();
  #mayGoOn = true;
  /** No more pauses, no more broken connections of its own making. */
  #isHurried = false;
  #connections = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    while (this.#mayGoOn) {
      const client = await this.#connect();
      if (client === undefined) await pause(RETRY_MS);
      else await this.#read(client);
    }
  }

  hurry(): void {
    this.#isHurried = true;
  }

  stop(): void {
    this.#mayGoOn = false;
  }

  /** Where it stands, by partition. */
  offsetIn(partition: number): number | undefined {
    return this.#positions.get(partition)?.offset;
  }

  #connect(): Promise<FrameClient | undefined> {
    const { dialect, url } = this.#options;
    return (dialect === "json" ? JsonClient : BinaryClient).connect(url).catch(() => undefined);
  }

  async #read(client: FrameClient): Promise<void> {
    const { name, recorder } = this.#options;
    const reader = `${name} ${++this.#connections}`;
    try {
      await this.#subscribe(client, reader);
      while (this.#mayGoOn && !this.#breaksOff()) {
        const frame = await client.next(LOOK_EVERY_MS).catch(() => undefined);
        if (frame !== undefined) await this.#take(client, reader, frame);
        else if (client.socket.readyState !== client.socket.OPEN) break;
      }
    } catch {
      // The connection broke before the subscription stood.
    }
    // One that reads to the end is judged by what it has then.
    if (this.#mayGoOn) recorder.tell({ type: "closed", reader });
    await client[Symbol.asyncDispose]();
  }

  async #subscribe(client: FrameClient, reader: string): Promise<void> {
    const { name, topic, dialect, recorder, from, window } = this.#options;
    const resumes = [...this.#positions].map(([partition, position]) => ({ partition, ...position }));
    const open: Omit<Open, "at"> = {
      type: "open",
      reader,
      user: name,
      topic,
      via: dialect,
      resumes,
      isFiltered: false,
    };
    recorder.tell(open);
    const start = resumes.length === 0 ? from : { positions: Object.fromEntries(this.#positions) };
    const reply = await client.request({ op: "subscribe", topic, from: start, window });
    if (reply.op !== "subscribed") throw new Error(JSON.stringify(reply));
    const partitions = boundsOf(reply.partitions).map((bounds) => {
      const next = reply.partitions[String(bounds.partition)]?.next ?? bounds.tail;
      if (!this.#positions.has(bounds.partition))
        this.#positions.set(bounds.partition, { epoch: bounds.epoch, offset: next });
      return { ...bounds, next };
    });
    recorder.tell({ type: "opened", reader, partitions });
  }

  async #take(client: FrameClient, reader: string, frame: AnyFrame): Promise<void> {
    const { recorder, topic, window, random } = this.#options;
    const { op, partition, epoch, next } = frame;
    if (op === "gap") {
      const { from, to } = frame;
      recorder.tell({ type: "gap", reader, partition, from, to, epoch, next, reason: frame.reason as "retention" });
    } else if (op === "messages") {
      for (const message of frame.messages) {
        recorder.tell({ type: "delivered", reader, ...readingOf(topic, partition, epoch, message) });
      }
    } else return;
    this.#positions.set(partition, { epoch, offset: next });
    if (!this.#isHurried && random.oneIn(40)) await pause(random.below(200));
    const isAcknowledged = window > 0 && op === "messages";
    if (isAcknowledged) client.send({ op: "ack", subscription: frame.subscription, partition, offset: next - 1 });
  }

  #breaksOff(): boolean {
    return !this.#isHurried && this.#options.random.oneIn(400);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
