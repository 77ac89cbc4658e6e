/** Reads as long as it may: over WebSocket, in either dialect, from where it stood when the connection broke; slowly, or not at all for a while. */
import type { Position } from "@ringcast/protocol";
import type { Open } from "../history/history.js";
import type { AnyFrame } from "../../support/frame-client.js";
import type { Random } from "../../support/random.js";
import { Credit } from "./credit.js";
import { boundsOf, readingOf, type Recorder } from "./recorder.js";
import type { Dialect, RawClient, Surroundings } from "./surroundings.js";

export interface ReaderOptions {
  readonly name: string;
  readonly topic: string;
  readonly dialect: Dialect;
  /** Where it begins the first time: any start of the wire contract but positions, which are where it goes on. */
  readonly from: "earliest" | "latest" | { readonly time: number } | { readonly last: number };
  /** Records that may wait for an `ack`; 0: all. */
  readonly window: number;
  /** Asks for the records of these keys only; else for all. */
  readonly keys?: readonly string[];
  readonly random: Random;
  readonly recorder: Recorder;
  readonly surroundings: Surroundings;
  /** The longest of its pauses, milliseconds; 200 by default. One frame in forty is followed by one. */
  readonly pauseMs?: number;
  /** It leaves its connection behind one frame in so many; 400 by default. */
  readonly breaksOffOneIn?: number;
}

/** After so much silence it asks whether the hub is still there. */
const SILENCE_MS = 15_000;
const PATIENCE_MS = 10_000;
/** Frames that are acknowledged at once; the others when the window is used up. */
const ACKNOWLEDGES_ONE_IN = 3;

/** Something that no fault excuses. */
class BrokenPromiseError extends Error {}

export class Reader {
  readonly #options: ReaderOptions;
  /** Where the next record of each partition stands. */
  readonly #positions = new Map<number, Position>();
  #client: RawClient | undefined;
  #mayGoOn = true;
  /** No more pauses, no more broken connections of its own making. */
  #isHurried = false;
  #connections = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { surroundings, dialect } = this.#options;
    while (this.#mayGoOn) {
      this.#client = await surroundings.connect(dialect);
      if (this.#client === undefined) await surroundings.pause(surroundings.retryMs);
      else await this.#read(this.#client);
    }
  }

  hurry(): void {
    this.#isHurried = true;
  }

  stop(): void {
    this.#mayGoOn = false;
    // Whoever waits for a frame hears of it.
    void this.#client?.[Symbol.asyncDispose]();
  }

  /** Where it stands, by partition. */
  offsetIn(partition: number): number | undefined {
    return this.#positions.get(partition)?.offset;
  }

  async #read(client: RawClient): Promise<void> {
    const { name, recorder } = this.#options;
    const reader = `${name} ${++this.#connections}`;
    const credit = new Credit(this.#options.window);
    try {
      await this.#subscribe(client, reader);
      while (this.#mayGoOn && !this.#breaksOff()) {
        const frame = await client.next(SILENCE_MS).catch(() => undefined);
        if (frame !== undefined) await this.#take(client, reader, frame, credit);
        else if (!client.isOpen) break;
        else await this.#probe(client);
      }
    } catch (error) {
      if (error instanceof BrokenPromiseError) throw error;
      // Else the connection broke before the subscription stood, or has long been gone.
    }
    // One that reads to the end is judged by what it has then.
    if (this.#mayGoOn) recorder.tell({ type: "closed", reader });
    await client[Symbol.asyncDispose]();
  }

  /** Rejects where nobody is there any more. */
  async #probe(client: RawClient): Promise<void> {
    await client.request({ op: "ping" }, PATIENCE_MS);
  }

  async #subscribe(client: RawClient, reader: string): Promise<void> {
    const { name, topic, dialect, recorder, from, window, keys } = this.#options;
    const resumes = [...this.#positions].map(([partition, position]) => ({ partition, ...position }));
    const open: Omit<Open, "at"> = {
      type: "open",
      reader,
      user: name,
      topic,
      via: dialect,
      resumes,
      isFiltered: keys !== undefined,
      ...(keys === undefined ? {} : { keys }),
    };
    recorder.tell(open);
    const start = resumes.length === 0 ? from : { positions: Object.fromEntries(this.#positions) };
    const filter = keys === undefined ? {} : { filter: { keys } };
    const reply = await client.request({ op: "subscribe", topic, from: start, window, ...filter }, PATIENCE_MS);
    if (reply.op === "error" && !isTransient(reply))
      throw new BrokenPromiseError(`${reader}: ${JSON.stringify(reply)}`);
    if (reply.op !== "subscribed") throw new Error(JSON.stringify(reply));
    const partitions = boundsOf(reply.partitions).map((bounds) => {
      const next = reply.partitions[String(bounds.partition)]?.next ?? bounds.tail;
      if (!this.#positions.has(bounds.partition))
        this.#positions.set(bounds.partition, { epoch: bounds.epoch, offset: next });
      return { ...bounds, next };
    });
    recorder.tell({ type: "opened", reader, partitions });
  }

  async #take(client: RawClient, reader: string, frame: AnyFrame, credit: Credit): Promise<void> {
    const { recorder, topic, random, surroundings, keys, pauseMs = 200 } = this.#options;
    const { op, partition, epoch, next } = frame;
    if (op === "gap") {
      const { from, to } = frame;
      recorder.tell({ type: "gap", reader, partition, from, to, epoch, next, reason: frame.reason as "retention" });
    } else if (op === "messages") {
      for (const message of frame.messages) {
        if (keys !== undefined && !keys.includes(message.key ?? ""))
          throw new BrokenPromiseError(`${reader} was sent offset ${message.offset}, which it doesn't ask for`);
        recorder.tell({ type: "delivered", reader, ...readingOf(topic, partition, epoch, message) });
      }
    } else return;
    this.#positions.set(partition, { epoch, offset: next });
    if (!this.#isHurried && random.oneIn(40)) await surroundings.pause(random.below(pauseMs));
    if (op !== "messages") return;
    if (credit.take(partition, frame.messages.length, next - 1))
      throw new BrokenPromiseError(`${reader} was sent more than its window, up to offset ${next} of ${partition}`);
    if (!credit.isUsedUp && !this.#isHurried && !random.oneIn(ACKNOWLEDGES_ONE_IN)) return;
    for (const ack of credit.give()) client.send({ op: "ack", subscription: frame.subscription, ...ack });
  }

  #breaksOff(): boolean {
    const { random, breaksOffOneIn = 400 } = this.#options;
    return !this.#isHurried && random.oneIn(breaksOffOneIn);
  }
}

function isTransient({ code }: AnyFrame): boolean {
  return code === "unavailable" || code === "shutting_down" || code === "rate_limited" || code === "too_many";
}
