/** The front door: what `connect` returns, and how its parts share one connection. */
import {
  RingcastError,
  type HistoryFrame,
  type HubFrame,
  type Limits,
  type TopicDescription,
  type TopicFrame,
} from "@ringcast/protocol";
import type { Codec } from "./codec.js";
import { createConnection, type Connection } from "./connection.js";
import { badRequest, unavailable } from "./errors.js";
import type { Link } from "./link.js";
import { createListeners } from "./listeners.js";
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
import type { Keeper, Outbox } from "./outbox.js";
import { createProducer, type Producer, type PublishTarget } from "./producer.js";
import { createQuestions } from "./questions.js";
import { platformRuntime } from "./runtime/platform.js";
import { toStart } from "./start.js";
import { createSubscription, type RunningSubscription, type Subscription } from "./subscription.js";
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
  /** Waits for the outcome of publishes, ends the subscriptions and disconnects. Can be called twice. */
  close(): Promise<void>;
}

const TIMEOUT_MS = 30_000;
const MAX_BACKLOG = 10_000;

/** Makes the hub object and begins to connect. Topics are checked by the interface {@link Hub}; in here, any name and any data goes. */
export function createHub<Topics>(
  url: string | readonly string[],
  options: ConnectOptions,
  platformTransport: Transport,
  entryCodec: Codec,
  createKeeper?: (outbox: Outbox, producer: () => Producer) => Keeper,
): Hub<Topics> {
  const {
    token,
    codec = entryCodec,
    transport = platformTransport,
    runtime = platformRuntime,
    timeoutMs = TIMEOUT_MS,
    maxBacklog = MAX_BACKLOG,
    outbox,
  } = options;
  const { on, tell } = createListeners<HubEvents>();
  const subscriptions = new Set<RunningSubscription>();
  /** Who gets a frame: by the id of the request it answers, or by the number of its subscription. */
  const receivers = new Map<unknown, (frame: HubFrame) => void>();
  let lastId = 0;
  let limits: Limits | undefined;
  let reason: RingcastError | undefined;
  let closing: Promise<void> | undefined;

  const link: Link = {
    runtime,
    limits: () => (connection.isReady ? limits : undefined),
    hubTimeMs: () => connection.hubTimeMs(),
    call: (operation, onReply, body) => {
      const id = ++lastId;
      receivers.set(id, onReply);
      connection.send({ ...operation, id }, body);
    },
    send: (operation) => connection.send(operation),
    listen: (subscription, receive) => {
      if (receive === undefined) receivers.delete(keyOf(subscription));
      else receivers.set(keyOf(subscription), receive);
    },
    gap: (gap) => tell("gap", gap),
  };
  const keeper = outbox && createKeeper?.(outbox, () => producer);
  const producer: Producer = createProducer(link, { timeoutMs, maxBacklog, keeper });
  const gone = (otherwise?: string): RingcastError => reason ?? unavailable(otherwise);
  const questions = createQuestions(link, timeoutMs, gone);
  const connection: Connection = createConnection(
    { urls: toRoutes(url), token, codec, transport, runtime },
    {
      welcomed: (welcome) => {
        limits = welcome.limits;
        // One round trip for all of it: nobody waits for another's reply.
        for (const subscription of subscriptions) subscription.resume();
        producer.welcomed();
        questions.welcomed();
      },
      received: (frame) => {
        const isReply = "id" in frame;
        const key = isReply ? frame.id : "subscription" in frame && keyOf(frame.subscription);
        const receive = receivers.get(key);
        if (isReply) receivers.delete(key);
        receive?.(frame);
      },
      failed: (error) => tell("error", error),
      lost: () => {
        limits = undefined;
        receivers.clear();
        for (const subscription of subscriptions) subscription.lost();
        producer.lost();
      },
      changed: (state, why) => {
        reason = why;
        if (state === "closed") {
          // Nothing comes any more: whoever waits is told.
          producer.close(gone());
          questions.close(gone());
          for (const subscription of subscriptions) subscription.end(why);
        }
        tell("state", { state, reason });
      },
    },
  );

  const checkOpen = (): void => {
    if (closing !== undefined || connection.state === "closed") throw gone();
  };

  const publish = async (target: PublishTarget, fields: object): Promise<object> => {
    let body;
    checkOpen();
    try {
      body = codec.encodeBody(fields);
    } catch (error) {
      throw error instanceof RingcastError ? error : badRequest(`Not encodable: ${String(error)}`, "data");
    }
    if (keeper !== undefined) {
      await keeper.loaded;
      checkOpen();
    }
    const reply = await producer.publish(target, body);
    // Stored, but so long ago that the hub no longer knows where.
    if (reply.timestamp === undefined) throw new RingcastError("conflict", "Stored, place unknown.");
    const { topic, partition, epoch, offset, offsets, timestamp } = reply;
    return offsets ? { topic, timestamp, offsets } : { topic, partition, epoch, offset, timestamp };
  };

  const drive = async (
    subscription: Subscription,
    onMessage: NonNullable<SubscribeOptions<unknown>["onMessage"]>,
  ): Promise<void> => {
    for await (const message of subscription) await onMessage(message);
  };

  const close = async (): Promise<void> => {
    // What is kept goes on in the next page.
    if (keeper === undefined) await producer.settled();
    for (const subscription of subscriptions) void subscription.close();
    connection.close();
  };

  const closeOnce = (): Promise<void> => (closing ??= close());

  const hub = {
    get state() {
      return connection.state;
    },
    connected: async () => {
      checkOpen();
      if (connection.state !== "connected") await questions.ask();
    },
    on,
    publish: (topic: string, data: unknown, { key, headers, ...target }: PublishOptions = {}) =>
      publish({ topic, ...target }, { data, key, headers }),
    publishMany: (
      topic: string,
      messages: readonly OutgoingMessage<unknown>[],
      target?: Omit<PublishOptions, "key" | "headers">,
    ) => publish({ topic, ...target }, { messages }),
    drained: producer.drained,
    subscribe: (topic: string, subscribeOptions: SubscribeOptions<unknown> = {}) => {
      checkOpen();
      const subscription = createSubscription(link, topic, subscribeOptions, () => subscriptions.delete(subscription));
      subscriptions.add(subscription);
      subscription.resume();
      const { onMessage, onError } = subscribeOptions;
      if (onMessage !== undefined) void drive(subscription, onMessage).catch(onError);
      return subscription;
    },
    history: async (topic: string, { from = "earliest", ...rest }: HistoryOptions = {}) => {
      checkOpen();
      const { partition } = from as Partial<MessagePosition>;
      const operation = { op: "history", topic, partition, ...rest, from: toStart(from) };
      const reply = (await questions.ask(operation)) as HistoryFrame;
      const { messages, head, tail, next, gap } = reply;
      return {
        messages: messages.map((wire) => toMessage(topic, reply.partition, next.epoch, wire, link.hubTimeMs())),
        next: { topic, partition: reply.partition, ...next },
        head,
        tail,
        gap,
      };
    },
    topic: async (name: string) => {
      checkOpen();
      return ((await questions.ask({ op: "topic", topic: name })) as TopicFrame).topic;
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
  return hub as unknown as Hub<Topics>;
}

const ADDRESS = /^(?:ws|http)(s?:\/\/[^?#\s]+?)\/?(?:v1\/ws)?$/;

/** Addresses of hubs, as their WebSocket routes. */
function toRoutes(addresses: string | readonly string[]): string[] {
  return [addresses].flat().map((address) => {
    const rest = ADDRESS.exec(address)?.[1];
    if (rest === undefined) throw badRequest(`No address like ws://127.0.0.1:7447: ${address}`, "url");
    return `ws${rest}/v1/ws`;
  });
}

/** Below all ids of requests. */
function keyOf(subscription: number): number {
  return -1 - subscription;
}
