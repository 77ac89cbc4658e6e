/**
 * One subscription over all the connections it lives through: what waits between hub and user, where both are, and when the hub is told that
 * there is room again.
 */
import {
  RingcastError,
  shown,
  type Gap,
  type GapFrame,
  type HubFrame,
  type MessagesFrame,
  type PartitionStates,
  type Position,
  type Start,
  type SubscribedFrame,
  type TopicStart,
} from "@ringcast/protocol";
import type { Operation } from "./codec.js";
import { acceptFrame, acceptGap, createCursor, eachPartition, positionsOf, type Cursor } from "./cursor.js";
import { createDeferred } from "./deferred.js";
import { errorOf, GapError } from "./errors.js";
import type { Link } from "./link.js";
import { toMessage, type Message } from "./message.js";
import type { SubscribeOptions } from "./options.js";
import { othersAfter, toPatternStart, toTopicStart } from "./start.js";
import type { Timer } from "./runtime/port.js";

/** Messages that may wait in the SDK, where the user doesn't say. */
const WINDOW = 1_024;
/** Codes that a later attempt may not meet, and the wait where the hub doesn't say. */
const RETRIED = ["rate_limited", "unavailable", "shutting_down"];
const RETRY_MS = 1_000;

/** What users hold of a subscription. Iterate over it, once; leaving the loop ends it, and so do `close`, `await using` and the signal. */
export interface Subscription<Data = unknown> extends AsyncIterable<Message<Data>>, AsyncDisposable {
  /** The topic or pattern. */
  readonly topic: string;
  /**
   * Settles with the hub's first answer: the state of each partition of each topic. From then on, with `from: "latest"`, nothing published is missed.
   */
  readonly ready: Promise<Readonly<Record<string, PartitionStates>>>;
  /** Settles at the end: rejects where an error ended it. */
  readonly closed: Promise<void>;
  /**
   * Behind the newest message that the loop got, in all partitions and topics. Plain data: keep it as JSON, hand it to `subscribe` as `from`.
   */
  readonly position: Start;
  /** Ends it and drops what waits. Resolves when the hub has confirmed it, or the connection is gone. */
  close(): Promise<void>;
}

/** What a subscription needs of its owner. */
export interface SubscriptionLink extends Link {
  /** The hub's limit; Infinity while unknown. */
  maxWindow(): number;
  /** Tells the owner which number the hub has given. */
  numbered(number: number, subscription: RunningSubscription): void;
  ended(subscription: RunningSubscription): void;
  /** Sends a request whose outcome doesn't matter. Resolves with the reply, or when the connection is lost. */
  ask(operation: Operation): Promise<void>;
  gap(gap: Gap): void;
}

/** A frame that waits, and the connection it came over: the hub of another one has not counted it. */
interface Waiting {
  readonly frame: MessagesFrame | GapFrame;
  readonly connection: number;
}

/** The data has the type that the user says: {@link Subscription} puts it on. */
export class RunningSubscription implements Subscription {
  readonly topic: string;
  readonly #link: SubscriptionLink;
  readonly #options: SubscribeOptions<unknown>;
  readonly #isPattern: boolean;
  readonly #ready = createDeferred<Readonly<Record<string, PartitionStates>>>({ quiet: true });
  readonly #closed = createDeferred<undefined>({ quiet: true });
  readonly #cursors = new Map<string, Cursor>();
  /** Where it begins, until the hub has said which partitions there are. */
  #start: Start;
  /** Where topics begin on a resume that the hub has not told of. */
  #others: TopicStart = "latest";
  #isReady = false;
  /** The hub's number; undefined while not subscribed on this connection. */
  #number: number | undefined;
  #frames: Waiting[] = [];
  /** Messages in the frames that the user has not got. */
  #count = 0;
  /** Messages of the first frame that the user has got. */
  #taken = 0;
  /** Connections it has lived through. */
  #connections = 0;
  /** Messages that may wait here, at most. */
  #limit: number;
  /** What of that the hub may send unacknowledged. */
  #window = 0;
  /** Messages that the user is done with and the hub doesn't know of. */
  #done = 0;
  #wake: (() => void) | undefined;
  #retry: Timer | undefined;
  #isIterating = false;
  #isEnded = false;
  #error: RingcastError | undefined;

  constructor(link: SubscriptionLink, topic: string, options: SubscribeOptions<unknown>) {
    const { window = WINDOW, from = "latest" } = options;
    if (!(window >= 1)) {
      throw new RingcastError("bad_request", `A window is at least 1, not ${shown(window)}.`, { field: "window" });
    }
    this.topic = topic;
    this.#link = link;
    this.#options = options;
    this.#isPattern = /(^|\.)[*>](\.|$)/.test(topic);
    this.#start = this.#isPattern ? toPatternStart(from) : toTopicStart(from);
    this.#limit = window;
    this.#prefill(this.#start);
  }

  get ready(): Promise<Readonly<Record<string, PartitionStates>>> {
    return this.#ready.promise;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get position(): Start {
    return this.#startAt("handed");
  }

  /** Called once, when the owner is ready for it. */
  begin(): void {
    const { signal } = this.#options;
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted) this.#abort();
    else if (this.#link.isReady()) this.resume();
  }

  /** Subscribes over a connection that was just made, at the exact place where the last one broke off. */
  resume(): void {
    if (this.#isEnded) return;
    this.#retry?.cancel();
    const askedMs = this.#link.hubTimeMs();
    this.#limit = Math.min(this.#limit, this.#link.maxWindow());
    this.#window = Math.max(1, this.#limit - this.#count);
    this.#link.call(
      {
        op: "subscribe",
        [this.#isPattern ? "pattern" : "topic"]: this.topic,
        from: this.#startAt("expected"),
        window: this.#window,
      },
      (reply) => this.#subscribed(reply, askedMs),
    );
  }

  /** The connection is gone. What waits is kept, but no more than half a window, so that the window of the next one holds. */
  lost(): void {
    this.#number = undefined;
    this.#connections++;
    this.#done = 0;
    for (const cursor of this.#cursors.values()) cursor.done = undefined;
    this.#dropNewest(this.#count - Math.floor(this.#limit / 2));
  }

  /** A frame that the hub sent for this subscription. */
  received(frame: HubFrame): void {
    switch (frame.op) {
      case "messages":
        this.#take(frame);
        break;
      case "gap":
        acceptGap(this.#cursorOf(frame.topic, frame.partition, { epoch: frame.epoch, offset: frame.from }), frame);
        this.#queue(frame);
        break;
      case "matched":
        this.#learn(frame.topic, frame.partitions);
        break;
      case "unsubscribed":
        this.#number = undefined;
        this.#end(
          new RingcastError(
            frame.reason === "forbidden" ? "forbidden" : "unavailable",
            `The hub ended the subscription to ${shown(this.topic)}: ${frame.reason ?? "no reason given"}.`,
          ),
        );
        break;
      default:
    }
  }

  /** Ends it with an error, after what waits has been handed out. */
  fail(error: RingcastError): void {
    this.#end(error);
  }

  async close(): Promise<void> {
    this.#frames = [];
    this.#count = 0;
    this.#end(undefined);
    await this.#unsubscribe();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    if (this.#isIterating) {
      throw new RingcastError("conflict", "This subscription is being read already: subscribe once more.");
    }
    this.#isIterating = true;
    const messages = this.#hand();
    return {
      next: () => messages.next(),
      // A generator alone would not end before the next message.
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async *#hand(): AsyncGenerator<Message, undefined> {
    for (;;) {
      const waiting = this.#frames[0];
      if (waiting === undefined) {
        if (this.#error !== undefined) throw this.#error;
        if (this.#isEnded) return undefined;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const { frame, connection } = waiting;
      if (frame.op === "gap") {
        this.#frames.shift();
        this.#pass(frame);
        continue;
      }
      const wire = frame.messages[this.#taken];
      if (wire === undefined) {
        this.#frames.shift();
        this.#taken = 0;
        continue;
      }
      this.#taken++;
      this.#count--;
      const message = toMessage(frame.topic, frame.partition, frame.epoch, wire);
      const { epoch, offset } = message.position;
      const cursor = this.#cursorOf(frame.topic, frame.partition, { epoch, offset });
      cursor.handed = { epoch, offset };
      yield message;
      // The loop asks for the next one: it is done with this one.
      if (connection === this.#connections && this.#number !== undefined) this.#finish(cursor, wire.offset);
    }
  }

  #pass(frame: GapFrame): void {
    const { topic, partition, from, to, reason, epoch, next } = frame;
    const gap: Gap = { topic, partition, from, to, reason, epoch, next };
    this.#cursorOf(topic, partition, { epoch, offset: next }).handed = { epoch, offset: next };
    this.#options.onGap?.(gap);
    this.#link.gap(gap);
    if (this.#options.gaps !== "reject") return;
    this.#frames = [];
    this.#count = this.#taken = 0;
    this.#end(new GapError(gap));
    void this.#unsubscribe();
  }

  /** Gives credit back in quarters of the window, so that a slow trickle costs no frame for each message. */
  #finish(cursor: Cursor, offset: number): void {
    cursor.done = offset;
    if (++this.#done * 4 < this.#window) return;
    this.#done = 0;
    for (const each of this.#cursors.values()) {
      if (each.done === undefined) continue;
      const { topic, partition, done } = each;
      each.done = undefined;
      const where = this.#isPattern ? { topic, partition } : { partition };
      this.#link.send({ op: "ack", subscription: this.#number, ...where, offset: done });
    }
  }

  #take(frame: MessagesFrame): void {
    const first = frame.messages[0]?.offset ?? frame.next;
    const cursor = this.#cursorOf(frame.topic, frame.partition, { epoch: frame.epoch, offset: first });
    try {
      const fresh = acceptFrame(cursor, frame);
      this.#count += fresh.messages.length;
      this.#queue(fresh);
    } catch (error) {
      this.#end(error as RingcastError);
      void this.#unsubscribe();
    }
  }

  #queue(frame: MessagesFrame | GapFrame): void {
    this.#frames.push({ frame, connection: this.#connections });
    this.#stir();
  }

  #subscribed(reply: HubFrame, askedMs: number): void {
    if (reply.op === "error") {
      const error = errorOf(reply);
      if (RETRIED.includes(error.code)) {
        const { retryAfterMs } = error.details;
        const delayMs = typeof retryAfterMs === "number" ? retryAfterMs : RETRY_MS;
        this.#retry = this.#link.runtime.setTimer(delayMs, () => {
          if (this.#link.isReady()) this.resume();
        });
      } else this.#end(error);
      return;
    }
    const { subscription, partitions, topics = { [this.topic]: partitions ?? {} }, more } = reply as SubscribedFrame;
    this.#number = subscription;
    if (this.#isEnded) {
      void this.#unsubscribe();
      return;
    }
    this.#link.numbered(subscription, this);
    for (const [topic, states] of Object.entries(topics)) this.#learn(topic, states);
    if (!this.#isReady) this.#others = othersAfter(this.#start, more === true, askedMs);
    this.#isReady = true;
    this.#ready.resolve(topics);
  }

  #learn(topic: string, partitions: PartitionStates): void {
    for (const [partition, { epoch, next }] of eachPartition(partitions)) {
      this.#cursorOf(topic, partition, { epoch, offset: next });
    }
  }

  #prefill(start: Start): void {
    if (typeof start !== "object") return;
    const topics = "topics" in start ? start.topics : "positions" in start ? { [this.topic]: start.positions } : {};
    for (const [topic, partitions] of Object.entries(topics)) {
      for (const [partition, at] of eachPartition(partitions)) this.#cursorOf(topic, partition, at);
    }
  }

  #cursorOf(topic: string, partition: number, otherwise: Position): Cursor {
    const key = `${partition}.${topic}`;
    let cursor = this.#cursors.get(key);
    if (cursor === undefined) this.#cursors.set(key, (cursor = createCursor(topic, partition, otherwise)));
    return cursor;
  }

  #startAt(which: "expected" | "handed"): Start {
    if (!this.#isReady) return this.#start;
    const topics = positionsOf(this.#cursors.values(), which);
    return this.#isPattern ? { topics, others: this.#others } : { positions: topics[this.topic] ?? {} };
  }

  #dropNewest(excess: number): void {
    for (let last = this.#frames.at(-1); excess > 0 && last?.frame.op === "messages"; last = this.#frames.at(-1)) {
      const { frame } = last;
      const untaken = frame.messages.length - (this.#frames.length === 1 ? this.#taken : 0);
      const dropped = Math.min(excess, untaken);
      const messages = frame.messages.slice(0, frame.messages.length - dropped);
      const { epoch } = frame;
      const offset = frame.messages[messages.length]?.offset ?? frame.next;
      this.#cursorOf(frame.topic, frame.partition, { epoch, offset }).expected = { epoch, offset };
      this.#frames.pop();
      if (messages.length > 0) this.#frames.push({ ...last, frame: { ...frame, messages } });
      if (dropped === 0) return;
      excess -= dropped;
      this.#count -= dropped;
    }
  }

  readonly #abort = (): void => void this.close();

  #end(error: RingcastError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#retry?.cancel();
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#link.ended(this);
    if (error === undefined) {
      this.#ready.resolve({});
      this.#closed.resolve(undefined);
    } else {
      this.#ready.reject(error);
      this.#closed.reject(error);
    }
    this.#stir();
  }

  async #unsubscribe(): Promise<void> {
    const subscription = this.#number;
    if (subscription === undefined) return;
    this.#number = undefined;
    await this.#link.ask({ op: "unsubscribe", subscription });
  }

  #stir(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
