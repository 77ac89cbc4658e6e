/** The front door: what `connect` returns, and how its parts share one connection. */
import {
  RingcastError,
  shown,
  type HistoryFrame,
  type HubFrame,
  type TopicDescription,
  type TopicFrame,
  type WelcomeFrame,
} from "@ringcast/protocol";
import { jsonCodec, type Codec, type Operation } from "./codec.js";
import { Connection, type ConnectionHandler } from "./connection.js";
import { createDeferred, type Deferred } from "./deferred.js";
import { closedError, errorOf } from "./errors.js";
import { Listeners } from "./listeners.js";
import { toMessage, type HistoryPage, type MessagePosition } from "./message.js";
import type {
  ConnectionState,
  ConnectOptions,
  HistoryOptions,
  HubEvents,
  OutgoingMessage,
  Published,
  PublishedMany,
  PublishOptions,
  SubscribeOptions,
} from "./options.js";
import { Producer, type PublishTarget } from "./producer.js";
import { Questions } from "./questions.js";
import { platformRuntime } from "./runtime/platform.js";
import { RunningSubscription, type Subscription, type SubscriptionLink } from "./subscription.js";
import { toTopicStart } from "./start.js";
import type { DataOf, Known, TopicName, TopicOrPattern } from "./topics.js";
import type { Transport } from "./transport/port.js";

/** A hub as applications see it: one connection that comes back by itself, and everything that goes over it. */
export interface Hub<Topics> extends AsyncDisposable {
  readonly state: ConnectionState;
  /**
   * Resolves when connected; at once where it is.
   * @throws RingcastError (as a rejection) `unavailable` with the reason when no hub answers within `timeoutMs`; `unauthorized`
   */
  connected(): Promise<void>;
  /** Listens until the function returned is called. */
  on<Event extends keyof HubEvents>(event: Event, listener: (value: HubEvents[Event]) => void): () => void;
  /**
   * Publishes one message. Publishes to one topic are stored in the order of the calls, each once, however often the connection breaks.
   *
   * @returns where it is stored
   * @throws RingcastError (as a rejection) what the hub refuses with; `unavailable` when `timeoutMs` is over, `details.stored` is then `"no"` or
   * `"unknown"`; `too_many` when the backlog is full
   */
  publish<Name extends TopicName<Topics>>(
    topic: Name & Known<Topics, Name>,
    data: DataOf<Topics, Name>,
    options?: PublishOptions,
  ): Promise<Published>;
  /** Publishes many messages as one: in each partition all of them are stored or none. At most 10,000. Otherwise like {@link publish}. */
  publishMany<Name extends TopicName<Topics>>(
    topic: Name & Known<Topics, Name>,
    messages: readonly OutgoingMessage<DataOf<Topics, Name>>[],
    options?: Omit<PublishOptions, "key" | "headers">,
  ): Promise<PublishedMany>;
  /** Resolves when there is room for publishes again: for loops that don't await each of them. */
  drained(): Promise<void>;
  /**
   * Subscribes to a topic or pattern. It begins at once; what the loop doesn't take waits in the hub's log, not here.
   *
   * @throws RingcastError `bad_request` where an option can't be meant. What the hub refuses with ends the loop
   */
  subscribe<Name extends TopicOrPattern<Topics>>(
    topic: Name & Known<Topics, Name>,
    options?: SubscribeOptions<DataOf<Topics, Name>>,
  ): Subscription<DataOf<Topics, Name>>;
  /** Reads a page of a partition's past, without a subscription. */
  history<Name extends TopicName<Topics>>(
    topic: Name & Known<Topics, Name>,
    options?: HistoryOptions,
  ): Promise<HistoryPage<DataOf<Topics, Name>>>;
  /** Describes a topic: partitions, heads and tails, configuration. */
  topic(name: TopicName<Topics>): Promise<TopicDescription>;
  /** Milliseconds to the hub and back. */
  ping(): Promise<number>;
  /** Waits for the outcome of publishes, ends the subscriptions and disconnects. Can be called twice. */
  close(): Promise<void>;
}

const TIMEOUT_MS = 30_000;
const MAX_BACKLOG = 10_000;

/** Makes the hub object and begins to connect. */
export function createHub<Topics>(
  url: string | readonly string[],
  options: ConnectOptions,
  transport: Transport,
): Hub<Topics> {
  return new ConnectedHub(typeof url === "string" ? [url] : url, options, transport) as unknown as Hub<Topics>;
}

/** Topics are checked by the interface {@link Hub}; in here, any name and any data goes. */
class ConnectedHub implements ConnectionHandler, SubscriptionLink {
  readonly runtime;
  readonly #codec: Codec;
  readonly #timeoutMs: number;
  readonly #connection: Connection;
  readonly #producer: Producer;
  readonly #questions: Questions;
  readonly #listeners = new Listeners<HubEvents>();
  readonly #subscriptions = new Set<RunningSubscription>();
  /** By the number that the hub gave on this connection. */
  readonly #numbered = new Map<number, RunningSubscription>();
  readonly #replies = new Map<unknown, (frame: HubFrame) => void>();
  /** Whoever waits for the end of the connection. */
  readonly #leaving = new Set<() => void>();
  #connected: Deferred<undefined> | undefined;
  #welcome: WelcomeFrame | undefined;
  #lastId = 0;
  #reason: RingcastError | undefined;
  #closing: Promise<void> | undefined;

  constructor(urls: readonly string[], options: ConnectOptions, transport: Transport) {
    const { runtime = platformRuntime, codec = jsonCodec, timeoutMs = TIMEOUT_MS, maxBacklog = MAX_BACKLOG } = options;
    this.runtime = runtime;
    this.#codec = codec;
    this.#timeoutMs = timeoutMs;
    this.#producer = new Producer(this, { timeoutMs, maxBacklog });
    this.#questions = new Questions(this, timeoutMs);
    this.#connection = new Connection(
      { urls: checkUrls(urls), token: options.token, codec, transport: options.transport ?? transport, runtime },
      this,
    );
    this.#connection.dial();
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  connected(): Promise<void> {
    if (this.state === "connected") return Promise.resolve();
    if (this.state === "closed") return Promise.reject(this.#reason ?? closedError());
    if (this.#connected === undefined) {
      const deferred = (this.#connected = createDeferred<undefined>());
      const timer =
        this.#timeoutMs < Infinity
          ? this.runtime.setTimer(this.#timeoutMs, () => {
              this.#connected = undefined;
              deferred.reject(this.#reason ?? new RingcastError("unavailable", "No hub has answered yet."));
            })
          : undefined;
      const stop = (): void => timer?.cancel();
      deferred.promise.then(stop, stop);
    }
    return this.#connected.promise;
  }

  on<Event extends keyof HubEvents>(event: Event, listener: (value: HubEvents[Event]) => void): () => void {
    return this.#listeners.add(event, listener);
  }

  async publish(topic: string, data: unknown, options: PublishOptions = {}): Promise<Published> {
    const { key, headers, ...target } = options;
    const reply = await this.#publish({ topic, ...target }, { data, key, headers });
    const { partition, epoch, offset, timestamp } = reply;
    return { topic, partition, epoch, offset, timestamp } as Published;
  }

  async publishMany(
    topic: string,
    messages: readonly OutgoingMessage<unknown>[],
    options: Omit<PublishOptions, "key" | "headers"> = {},
  ): Promise<PublishedMany> {
    const { timestamp, offsets } = await this.#publish({ topic, ...options }, { messages });
    return { topic, timestamp, offsets } as PublishedMany;
  }

  drained(): Promise<void> {
    return this.#producer.drained();
  }

  subscribe(topic: string, options: SubscribeOptions<unknown> = {}): Subscription {
    if (this.#closing !== undefined || this.state === "closed") throw this.#reason ?? closedError();
    const subscription = new RunningSubscription(this, topic, options);
    this.#subscriptions.add(subscription);
    subscription.begin();
    if (options.onMessage !== undefined) void this.#drive(subscription, options);
    return subscription;
  }

  async history(topic: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    const { from = "earliest", ...rest } = options;
    const partition = typeof from === "object" && "partition" in from ? from.partition : 0;
    const start = toTopicStart(from);
    const reply = (await this.#questions.ask({
      op: "history",
      topic,
      partition,
      ...rest,
      from: start,
    })) as HistoryFrame;
    const next: MessagePosition = { topic, partition: reply.partition, ...reply.next };
    return {
      messages: reply.messages.map((wire) => toMessage(topic, reply.partition, reply.next.epoch, wire)),
      next,
      head: reply.head,
      tail: reply.tail,
      gap: reply.gap,
    };
  }

  async topic(name: string): Promise<TopicDescription> {
    return ((await this.#questions.ask({ op: "topic", topic: name })) as TopicFrame).topic;
  }

  async ping(): Promise<number> {
    await this.connected();
    const sentMs = this.runtime.monotonicMs();
    await this.#questions.ask({ op: "ping" });
    return this.runtime.monotonicMs() - sentMs;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- what the parts need of each other ------------------------------------------------------------------------------

  isReady(): boolean {
    return this.state === "connected" && this.#welcome !== undefined && !this.#connection.isDraining;
  }

  hubTimeMs(): number {
    return this.#connection.hubTimeMs();
  }

  maxWindow(): number {
    return this.#welcome?.limits.maxWindow ?? Infinity;
  }

  call(operation: Operation, onReply: (frame: HubFrame) => void, body?: string | Uint8Array): void {
    const id = ++this.#lastId;
    this.#replies.set(id, onReply);
    this.#connection.send(this.#codec.encode({ ...operation, id }, body));
  }

  send(operation: Operation): void {
    this.#connection.send(this.#codec.encode(operation));
  }

  async ask(operation: Operation): Promise<void> {
    if (this.state !== "connected") return;
    await new Promise<void>((resolve) => {
      this.#leaving.add(resolve);
      this.call(operation, () => {
        this.#leaving.delete(resolve);
        resolve();
      });
    });
  }

  numbered(number: number, subscription: RunningSubscription): void {
    this.#numbered.set(number, subscription);
  }

  ended(subscription: RunningSubscription): void {
    this.#subscriptions.delete(subscription);
    for (const [number, each] of this.#numbered) if (each === subscription) this.#numbered.delete(number);
  }

  gap(gap: HubEvents["gap"]): void {
    this.#listeners.tell("gap", gap);
  }

  // ---- what the connection tells --------------------------------------------------------------------------------------

  welcomed(welcome: WelcomeFrame): void {
    this.#welcome = welcome;
    // One round trip for all of it: nobody waits for another's reply.
    for (const subscription of this.#subscriptions) subscription.resume();
    this.#producer.welcomed(welcome.limits);
    this.#questions.welcomed();
  }

  received(frame: HubFrame): void {
    if ("id" in frame) {
      const onReply = this.#replies.get(frame.id);
      this.#replies.delete(frame.id);
      onReply?.(frame);
    } else if (frame.op === "error") this.#listeners.tell("error", errorOf(frame));
    else if ("subscription" in frame) this.#numbered.get(frame.subscription)?.received(frame);
  }

  lost(): void {
    this.#welcome = undefined;
    this.#replies.clear();
    this.#numbered.clear();
    for (const resolve of this.#leaving) resolve();
    this.#leaving.clear();
    for (const subscription of this.#subscriptions) subscription.lost();
    this.#producer.lost();
  }

  changed(state: ConnectionState, reason: RingcastError | undefined): void {
    this.#reason = reason;
    if (state === "connected") {
      this.#connected?.resolve(undefined);
      this.#connected = undefined;
    }
    if (state === "closed") this.#shut(reason);
    this.#listeners.tell("state", { state, reason });
  }

  // ---- details --------------------------------------------------------------------------------------------------------

  async #publish(target: PublishTarget, fields: object) {
    if (this.#closing !== undefined || this.state === "closed") throw this.#reason ?? closedError();
    let body;
    try {
      body = this.#codec.encodeBody(fields);
    } catch (cause) {
      throw new RingcastError(
        "bad_request",
        `The data can't be encoded: ${String(cause)}`,
        { field: "data" },
        { cause },
      );
    }
    const reply = await this.#producer.publish(target, body);
    if (reply.timestamp === undefined) {
      const message = "The message is stored, but the hub no longer knows where: it was published long ago.";
      throw new RingcastError("conflict", message, { stored: "yes" });
    }
    return reply;
  }

  async #drive(subscription: RunningSubscription, { onMessage, onError }: SubscribeOptions<unknown>): Promise<void> {
    try {
      for await (const message of subscription) await onMessage?.(message);
    } catch (error) {
      if (onError !== undefined) onError(error);
      else this.#listeners.tell("error", error);
    }
  }

  async #close(): Promise<void> {
    await this.#producer.settled();
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    this.#connection.close();
  }

  /** Nothing comes any more: whoever waits is told. */
  #shut(reason: RingcastError | undefined): void {
    const error = reason ?? closedError();
    this.#connected?.reject(error);
    this.#connected = undefined;
    this.#producer.close(error);
    this.#questions.close(error);
    for (const subscription of this.#subscriptions) {
      if (reason === undefined) void subscription.close();
      else subscription.fail(reason);
    }
  }
}

/** Addresses of hubs, as their WebSocket routes. */
function checkUrls(urls: readonly string[]): string[] {
  if (urls.length === 0) throw new RingcastError("bad_request", "Connect to at least one URL.", { field: "url" });
  return urls.map((text) => {
    try {
      const url = new URL(text.replace(/^http/, "ws"));
      if (!/^wss?:$/.test(url.protocol)) throw new TypeError("not ws: or wss:");
      if (!url.pathname.endsWith(ROUTE)) url.pathname = url.pathname.replace(/\/$/, "") + ROUTE;
      return url.href;
    } catch (cause) {
      const message = `${shown(text)} is no address of a hub: use one like "ws://127.0.0.1:7447".`;
      throw new RingcastError("bad_request", message, { field: "url" }, { cause });
    }
  });
}

const ROUTE = "/v1/ws";
