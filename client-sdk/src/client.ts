/** The front door: what `connect` returns, and how its parts share one connection. */
import {
  RingcastError,
  type HistoryFrame,
  type HubFrame,
  type TopicDescription,
  type TopicFrame,
} from "@ringcast/protocol";
import type { Codec, Operation } from "./codec.js";
import { createConnection } from "./connection.js";
import { badRequest, toRingcastError, unavailable } from "./errors.js";
import type { Link, Part, Receive } from "./link.js";
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
import {
  createProducer,
  type Producer,
  type ProducerLink,
  type ProducerOptions,
  type PublishTarget,
} from "./producer.js";
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
   * Resolves when connected to a hub that isn't about to go away; at once where that is so.
   * @throws RingcastError (as a rejection) `unavailable` with the reason when no hub answers within `timeoutMs`;
   * `unauthorized`
   */
  connected(): Promise<void>;
  /** Listens until the function returned is called. */
  on<Event extends keyof HubEvents>(event: Event, listener: (value: HubEvents[Event]) => void): () => void;
  /**
   * Publishes one message. Publishes to one topic are stored in the order of the calls, each once, however often the
   * connection breaks.
   *
   * @returns where it is stored
   * @throws RingcastError (as a rejection) what the hub refuses with; `unavailable` when `timeoutMs` is over,
   * `details.stored` is then `"no"` or `"unknown"`; `too_many` when the backlog is full
   */
  publish<Name extends TopicName<Topics>>(
    topic: Name & Known<Topics, Name>,
    data: DataOf<Topics, Name>,
    options?: PublishOptions,
  ): Promise<Published>;
  /**
   * Publishes many messages as one: in each partition all of them are stored or none. At most 10,000. Otherwise like
   * {@link publish}.
   */
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

/**
 * Makes the hub object and begins to connect. Topics are checked by the interface {@link Hub}; in here, any name and
 * any data goes.
 */
export function createHub<Topics>(
  url: string | readonly string[],
  options: ConnectOptions,
  platformTransport: Transport,
  entryCodec: Codec,
  makeProducer: (link: ProducerLink, options: ProducerOptions) => Producer = createProducer,
): Hub<Topics> {
  const {
    token,
    codec = entryCodec,
    transport = platformTransport,
    runtime = platformRuntime,
    timeoutMs = 30_000,
    maxRetryMs = 10_000,
    maxBacklog = 10_000,
  } = options;
  const { on, tell } = createListeners<HubEvents>();
  const subscriptions = new Set<RunningSubscription>();
  /**
   * Who gets a frame: by the id of the request it answers, or by the number of its subscription, below all ids; NaN,
   * nobody's, for a frame of no subscription.
   */
  const receivers = new Map<unknown, Receive>();
  let lastId = 0;
  let reason: RingcastError | undefined;
  let closing: Promise<void> | undefined;

  const connection = createConnection(
    { urls: toRoutes(url), token, codec, transport, runtime, maxRetryMs },
    {
      received: (frame, error) => {
        const { id, subscription } = frame as { readonly id?: number; readonly subscription?: number };
        const receive = receivers.get(id ?? -1 - (subscription as number));
        receivers.delete(id);
        receive?.(frame, error);
      },
      failed: (error) => tell("error", error),
      changed: (state, why) => {
        reason = why;
        if (state === "connected") {
          receivers.clear();
          // One round trip for all of it: nobody waits for another's reply. Subscriptions first, so that they get what
          // is published.
          for (const part of parts()) part.resume();
        } else if (state === "closed") {
          // Nothing comes any more: whoever waits is told.
          for (const part of parts()) part.end(gone());
        }
        tell("state", { state, reason });
      },
    },
  );
  const link: Link = {
    ...connection,
    runtime,
    call: (operation, onReply, publish) => {
      // Into the object itself: made again with one member more, it would cost 1 µs on Node 20.
      receivers.set(((operation as { id?: number }).id = ++lastId), onReply);
      connection.send(operation, publish?.body);
    },
    listen: (subscription, receive) => {
      if (receive) receivers.set(-1 - (subscription as number), receive);
      else receivers.delete(-1 - (subscription as number));
    },
    tell,
  };
  const gone = (otherwise?: string): RingcastError => reason ?? unavailable(otherwise);
  const producer = makeProducer(link, { timeoutMs, maxBacklog });
  const questions = createQuestions(link, timeoutMs, gone);
  const parts = (): Part[] => [...subscriptions, producer, questions];

  const checkOpen = (): void => {
    if (closing !== undefined || connection.state() === "closed") throw gone();
  };

  const publish = async (target: PublishTarget, fields: object): Promise<object> => {
    let body;
    checkOpen();
    try {
      body = codec.encodeBody(fields);
    } catch (error) {
      throw toRingcastError(error, "bad_request", { field: "data" });
    }
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- what is left of the frame is the outcome
    const { op, id, duplicate, ...published } = await producer.publish(target, body);
    // Stored, but so long ago that the hub no longer knows where.
    if (published.timestamp === undefined) throw new RingcastError("conflict", "Stored, place unknown.");
    return published;
  };

  /** An answer to a request that changes nothing; without one, it waits for the connection alone. */
  const ask = async (operation?: Operation): Promise<HubFrame | undefined> => {
    checkOpen();
    return questions.ask(operation);
  };

  const closeOnce = async (): Promise<void> => {
    await producer.settled();
    for (const subscription of subscriptions) void subscription.close();
    connection.close();
  };

  const close = (): Promise<void> => (closing ??= closeOnce());

  const hub = {
    get state() {
      return connection.state();
    },
    connected: () => ask(),
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
      if (onMessage) void drive(subscription, onMessage).catch(onError);
      return subscription;
    },
    history: async (topic: string, { from = "earliest", ...rest }: HistoryOptions = {}) => {
      const { partition } = from as Partial<MessagePosition>;
      const reply = (await ask({ op: "history", topic, partition, ...rest, from: toStart(from) })) as HistoryFrame;
      // eslint-disable-next-line @typescript-eslint/no-unused-vars -- what is left of the frame stays as it is
      const { op, id, messages, next, partition: of, ...page } = reply;
      return {
        ...page,
        messages: messages.map((wire) => toMessage(topic, of, next.epoch, wire, link.hubTimeMs())),
        next: { topic, partition: of, ...next },
      };
    },
    topic: async (name: string) => ((await ask({ op: "topic", topic: name })) as TopicFrame).topic,
    close,
    [Symbol.asyncDispose]: close,
  };
  return hub as unknown as Hub<Topics>;
}

/** Addresses of hubs, as their WebSocket routes. */
function toRoutes(addresses: string | readonly string[]): string[] {
  return [addresses].flat().map((address) => {
    const match = /^(ws|http)(s?:\/\/[^?#\s]+?)\/?(v1\/ws)?$/.exec(address);
    if (!match) throw badRequest(`No address like ws://host:7447: ${address}`, "url");
    return `ws${match[2]}/v1/ws`;
  });
}

/** The callback form of a subscription. */
async function drive(
  subscription: Subscription,
  onMessage: NonNullable<SubscribeOptions<unknown>["onMessage"]>,
): Promise<void> {
  for await (const message of subscription) await onMessage(message);
}
