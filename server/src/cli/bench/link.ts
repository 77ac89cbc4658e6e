/** A connection with its protocol: dials, greets, subscribes, counts what comes and measures when. */
import { Channel, type ChannelHandler } from "./channel.js";
import { elapsedSince, nowUs } from "./clock.js";
import type { ThreadIo } from "./io.js";
import { recordLatency } from "./latency.js";
import type { Target } from "./plan.js";
import { COUNTER, type Tally } from "./tally.js";
import type { Sink, Wire, WireConnection } from "./wire.js";

/** What all links of a thread share. */
export interface LinkContext {
  readonly io: ThreadIo;
  readonly tally: Tally;
  /** Whether the time of every single record is measured. */
  isExact: boolean;
  /** Something came that a publisher may wait for. */
  progressed(): void;
  failed(reason: string): void;
}

/** What a link is for. */
export interface LinkRole {
  readonly target: Target;
  readonly wire: Wire;
  /** Number of the connection, over all threads. */
  readonly number: number;
  readonly topics: readonly string[];
  readonly from: "latest" | "earliest";
  /** Called when the connection is there and its subscriptions are in force. */
  readonly joined: (link: Link) => void;
}

/** Publishes of a link that wait for their acknowledgement: when each was to be sent, and its records. */
const FIRST_WAITING = 16;
/** What stands there until it is needed: most of many thousand links never publish. */
const NO_BYTES = new Uint8Array(0);
const NO_TIMES = new Float64Array(0);
const NO_COUNTS = new Uint32Array(0);

export class Link implements ChannelHandler, Sink {
  readonly #context: LinkContext;
  readonly role: LinkRole;
  readonly #channel: Channel;
  readonly #connection: WireConnection;
  #isReady = false;
  #isConnected = false;
  #subscriptionsDue: number;
  /** Bytes that are being read, and when they came; 0: that was not asked yet. */
  #reading: Uint8Array = NO_BYTES;
  #arrivedUs = 0;
  /** Ring of what waits for an acknowledgement. */
  #waitingUs = NO_TIMES;
  #waitingRecords = NO_COUNTS;
  #oldest = 0;
  #waiting = 0;
  /** Records that came. */
  received = 0;
  /** Whether nobody waits for this reader, because it is or was stalled. */
  isAside = false;
  /** Called for each answer to a subscribe or unsubscribe, once it has joined. */
  onSubscribed: (() => void) | undefined;

  /** @param before the link that was cut, whose place this one takes */
  constructor(context: LinkContext, role: LinkRole, before?: Link) {
    this.#context = context;
    this.role = role;
    this.#subscriptionsDue = role.topics.length;
    if (before !== undefined) {
      this.received = before.received;
      this.isAside = before.isAside;
    }
    this.#connection = role.wire.connect(this, before === undefined ? undefined : before.#connection);
    this.#channel = new Channel(context.io, role.wire, role.target, role.number, this);
  }

  /** Publishes that are not acknowledged. */
  get waiting(): number {
    return this.#waiting;
  }

  get isFull(): boolean {
    return this.#channel.isFull;
  }

  get isExact(): boolean {
    return this.#context.isExact;
  }

  /** Adds a publish to the output. @param intendedUs when it was to be sent */
  publish(topic: string, payload: Uint8Array, records: number, intendedUs: number): void {
    this.#channel.send(this.#connection.publish(topic, payload, records));
    this.#count(COUNTER.published, records);
    if (this.role.wire.acknowledges) this.#await(intendedUs, records);
  }

  subscribe(topic: string, number: number): void {
    this.#channel.send(this.#connection.subscribe(topic, number, this.role.from));
  }

  unsubscribe(topic: string, number: number): void {
    this.#channel.send(this.#connection.unsubscribe(topic, number));
  }

  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  /** Ends the connection at once. */
  cut(): void {
    if (this.#isConnected) this.#count(COUNTER.connected, -1);
    this.#isConnected = false;
    this.#channel.cut();
  }

  // ---- from the channel ----

  open(): void {
    this.#isConnected = true;
    this.#count(COUNTER.connected, 1);
    const greeting = this.#connection.greeting();
    if (greeting !== undefined) this.#channel.send(greeting);
  }

  receive(bytes: Uint8Array, start: number, end: number): number {
    this.#reading = bytes;
    return this.#connection.receive(bytes, start, end);
  }

  skim(bytes: Uint8Array, start: number, end: number): boolean {
    this.#reading = bytes;
    return !this.#context.isExact && this.#connection.skim?.(bytes, start, end) === true;
  }

  settled(): void {
    this.#arrivedUs = 0;
    this.#context.progressed();
  }

  drained(): void {
    this.#context.progressed();
  }

  gone(reason: string): void {
    if (this.#isConnected) this.#count(COUNTER.connected, -1);
    this.#isConnected = false;
    // A server may do without a reader that doesn't read: that is a result.
    if (!this.isAside) this.#context.failed(reason);
  }

  // ---- from the wire ----

  ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    const { topics, joined } = this.role;
    topics.forEach((topic, index) => this.subscribe(topic, index + 1));
    if (topics.length === 0) joined(this);
  }

  subscribed(): void {
    this.#count(COUNTER.subscribed, 1);
    if (this.#subscriptionsDue === 0) {
      this.onSubscribed?.();
      return;
    }
    this.#subscriptionsDue -= 1;
    if (this.#subscriptionsDue === 0) this.role.joined(this);
  }

  acknowledged(publishes: number): void {
    const { tally } = this.#context;
    const arrivedUs = this.#arrival();
    const mask = this.#waitingUs.length - 1;
    for (let n = Math.min(publishes, this.#waiting); n > 0; n--) {
      const place = this.#oldest & mask;
      recordLatency(tally.acknowledgement, arrivedUs - (this.#waitingUs[place] as number));
      this.#count(COUNTER.acknowledged, this.#waitingRecords[place] as number);
      this.#oldest = (this.#oldest + 1) & mask;
      this.#waiting -= 1;
    }
  }

  delivered(records: number, payload: number): void {
    this.received += records;
    this.#count(COUNTER.delivered, records);
    if (this.isAside) return;
    this.#count(COUNTER.paced, records);
    if (payload < 0) return;
    recordLatency(this.#context.tally.delivery, elapsedSince(this.#reading, payload, this.#arrival()));
  }

  lost(records: number): void {
    this.#count(COUNTER.lost, records);
  }

  reply(message: Uint8Array): void {
    this.#channel.send(message);
  }

  failed(reason: string): void {
    this.#context.failed(reason);
  }

  #arrival(): number {
    if (this.#arrivedUs === 0) this.#arrivedUs = nowUs();
    return this.#arrivedUs;
  }

  #count(counter: number, by: number): void {
    const { counters } = this.#context.tally;
    counters[counter] = (counters[counter] as number) + by;
  }

  #await(intendedUs: number, records: number): void {
    if (this.#waiting === this.#waitingUs.length) this.#grow();
    const place = (this.#oldest + this.#waiting) & (this.#waitingUs.length - 1);
    this.#waitingUs[place] = intendedUs;
    this.#waitingRecords[place] = records;
    this.#waiting += 1;
  }

  #grow(): void {
    const length = this.#waitingUs.length;
    const us = new Float64Array(Math.max(FIRST_WAITING, length * 2));
    const records = new Uint32Array(us.length);
    for (let n = 0; n < length; n++) {
      const place = (this.#oldest + n) & (length - 1);
      us[n] = this.#waitingUs[place] as number;
      records[n] = this.#waitingRecords[place] as number;
    }
    this.#waitingUs = us;
    this.#waitingRecords = records;
    this.#oldest = 0;
  }
}
