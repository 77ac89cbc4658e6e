/**
 * One subscription over all the connections it lives through: what waits between hub and user, where both are, and when the hub is told that
 * there is room again.
 */
import {
  RingcastError,
  type ErrorCode,
  type GapFrame,
  type HubFrame,
  type MessagesFrame,
  type PartitionState,
  type PartitionStates,
  type Position,
  type Start,
  type SubscribedFrame,
  type TopicStart,
  type WireMessage,
} from "@ringcast/protocol";
import { acceptFrame, positionsOf, type Cursor } from "./cursor.js";
import { createDeferred } from "./deferred.js";
import { badRequest, errorOf, GapError, retryDelayMs } from "./errors.js";
import type { Link } from "./link.js";
import { toMessage, type Message } from "./message.js";
import type { SubscribeOptions } from "./options.js";
import { othersAfter, toStart } from "./start.js";
import type { Timer } from "./runtime/port.js";

/** Messages that may wait in the SDK, where the user doesn't say. */
const WINDOW = 1_024;

/** State of each partition, by topic. */
export type TopicStates = Readonly<Record<string, PartitionStates>>;

/** What users hold of a subscription. Iterate over it, once; leaving the loop ends it, and so do `close`, `await using` and the signal. */
export interface Subscription<Data = unknown> extends AsyncIterable<Message<Data>>, AsyncDisposable {
  /** The topic or pattern. */
  readonly topic: string;
  /**
   * Settles with the hub's first answer: the state of each partition of each topic. From then on, with `from: "latest"`, nothing published is missed.
   */
  readonly ready: Promise<TopicStates>;
  /**
   * Behind the newest message that the loop got, in all partitions and topics. Plain data: keep it as JSON, hand it to `subscribe` as `from`.
   */
  readonly position: Start;
  /** Ends it and drops what waits; nothing is handed out any more. */
  close(): Promise<void>;
}

/** What its owner does with it. */
export interface RunningSubscription extends Subscription {
  /**
   * Subscribes over a connection that was just made, at the exact place where the last one broke off. What still waits counts: with more than
   * half a window of it, the loop comes first.
   */
  resume(): void;
  /** The connection is gone. What waits here is kept. */
  lost(): void;
  /** Ends it, after what waits has been handed out: with an error, or as after the last message. */
  end(error: RingcastError | undefined): void;
}

/** Messages or a gap that wait. */
interface Waiting {
  readonly cursor: Cursor;
  readonly epoch: string;
  /** Offset behind them. */
  next: number;
  readonly messages: readonly WireMessage[];
  readonly gap?: GapFrame;
  /** The connection they came over: the hub of another one has not counted them. */
  readonly connection: number;
}

/**
 * Makes a subscription; `resume` begins it.
 *
 * @param onEnd called once
 * @throws RingcastError `bad_request`
 */
export function createSubscription(
  link: Link,
  topic: string,
  options: SubscribeOptions<unknown>,
  onEnd: () => void,
): RunningSubscription {
  const { window: askedWindow = WINDOW, until, filter, signal } = options;
  if (!(askedWindow >= 1)) throw badRequest(`A window is at least 1, not ${askedWindow}.`, "window");
  const isPattern = /(^|\.)[*>](\.|$)/.test(topic);
  const start = toStart(options.from ?? "latest", isPattern);
  const ready = createDeferred<TopicStates>();
  const cursors = new Map<string, Cursor>();
  /** Where topics begin on a resume that the hub has not told of. Undefined: the hub has told nothing yet. */
  let others: TopicStart | undefined;
  /** The hub's number; undefined while not subscribed on this connection. */
  let number: number | undefined;
  /** Counts the connections. */
  let connection = 0;
  let frames: Waiting[] = [];
  /** Messages in them that the user has not got. */
  let count = 0;
  /** Messages of the first one that the user has got. */
  let taken = 0;
  /** Messages that the hub may send unacknowledged on this connection. */
  let window = 0;
  /** Messages of this connection that the user is done with and the hub doesn't know of. */
  let done = 0;
  /** The newest of them in each partition. */
  const acks = new Map<Cursor, number>();
  /** Not subscribed on this connection yet, because of what waits. */
  let isDue = false;
  let retry: Timer | undefined;
  let wake: (() => void) | undefined;
  let isIterating = false;
  let isEnded = false;
  let failure: RingcastError | undefined;

  /** The cursor of a partition; where there is none yet, it begins at this position. */
  const cursorOf = (name: string, partition: number | string, epoch: string, offset: number): Cursor => {
    const key = `${partition}.${name}`;
    const at = { epoch, offset };
    const cursor = cursors.get(key) ?? {
      topic: name,
      partition: Number(partition),
      expected: at,
      handed: at,
      end: undefined,
    };
    cursors.set(key, cursor);
    return cursor;
  };

  const startAt = (which: "expected" | "handed"): Start => {
    if (others === undefined) return start;
    const topics = positionsOf(cursors.values(), which);
    return isPattern ? { topics, others } : { positions: topics[topic] ?? {} };
  };

  const end = (error: RingcastError | undefined): void => {
    if (isEnded) return;
    isEnded = true;
    failure = error;
    retry?.cancel();
    signal?.removeEventListener("abort", abort);
    onEnd();
    if (error === undefined) ready.resolve({});
    else ready.reject(error);
    wake?.();
  };

  /** The hub's number means nothing any more. */
  const forget = (): void => {
    if (number !== undefined) link.listen(number);
    number = undefined;
  };

  const unsubscribe = (): void => {
    if (number !== undefined) link.call({ op: "unsubscribe", subscription: number }, () => undefined);
    forget();
  };

  /** Ends it at once, whatever waits. */
  const drop = (error?: RingcastError): void => {
    frames = [];
    count = taken = 0;
    end(error);
    unsubscribe();
  };

  const abort = (): void => drop();

  const resume = (): void => {
    const limits = link.limits();
    if (signal?.aborted) drop();
    if (isEnded || limits === undefined) return;
    const limit = Math.min(askedWindow, limits.maxWindow);
    isDue = count * 2 > limit;
    if (isDue) return;
    window = limit - count;
    const askedMs = link.hubTimeMs();
    link.call(
      {
        op: "subscribe",
        [isPattern ? "pattern" : "topic"]: topic,
        from: startAt("expected"),
        until,
        filter,
        window,
      },
      (reply) => answered(reply, askedMs),
    );
  };

  const answered = (reply: HubFrame, askedMs: number): void => {
    if (reply.op === "error") {
      const error = errorOf(reply);
      const delayMs = retryDelayMs(error);
      if (delayMs === undefined) end(error);
      else retry = link.runtime.setTimer(delayMs, resume);
      return;
    }
    const { subscription, partitions = {}, topics = { [topic]: partitions }, more } = reply as SubscribedFrame;
    number = subscription;
    if (isEnded) {
      unsubscribe();
      return;
    }
    link.listen(subscription, receive);
    learn(topics);
    others ??= othersAfter(start, more === true, askedMs);
    ready.resolve(topics);
  };

  /** Takes the positions of partitions that are not known yet. */
  const learn = (topics: Readonly<Record<string, Readonly<Record<string, Position | PartitionState>>>>): void => {
    for (const [name, partitions] of Object.entries(topics)) {
      for (const [partition, at] of Object.entries(partitions)) {
        const cursor = cursorOf(name, partition, at.epoch, "next" in at ? at.next : at.offset);
        // On a resume the hub's "head" is a later one.
        if (until === "head" && "head" in at) cursor.end ??= at.head;
      }
    }
  };

  const receive = (frame: HubFrame): void => {
    if (isEnded) return;
    if (frame.op === "messages") take(frame);
    else if (frame.op === "gap") {
      const { epoch, from, next } = frame;
      const cursor = cursorOf(frame.topic, frame.partition, epoch, from);
      cursor.expected = { epoch, offset: next };
      push({ cursor, epoch, next, messages: [], gap: frame, connection });
    } else if (frame.op === "matched") learn({ [frame.topic]: frame.partitions });
    // An acknowledgement was refused.
    else if (frame.op === "error") end(errorOf(frame));
    else if (frame.op === "ended" || frame.op === "unsubscribed") {
      forget();
      // Everything before `until` has come; or the hub takes it away, and the reason is the code of an error.
      const { reason = "unavailable" } = frame as { readonly reason?: string };
      end(frame.op === "ended" ? undefined : new RingcastError(reason as ErrorCode, "The hub ended the subscription."));
    }
  };

  const take = (frame: MessagesFrame): void => {
    const { topic: name, partition, epoch, next } = frame;
    const last = frame.messages.at(-1)?.offset;
    const cursor = cursorOf(name, partition, epoch, frame.messages[0]?.offset ?? next);
    try {
      const messages = acceptFrame(cursor, frame, filter !== undefined);
      const { end: limit = Infinity } = cursor;
      const at = Math.min(next, limit);
      // Nobody will be done with those beyond the end.
      if (last !== undefined && last >= limit) acknowledge(cursor, last);
      if (messages.length > 0) {
        count += messages.length;
        push({ cursor, epoch, next: at, messages, connection });
      } else {
        // Nothing but a new position; behind another partition's messages the next frame brings it.
        const before = frames.at(-1);
        if (before === undefined) cursor.handed = { epoch, offset: at };
        else if (before.cursor === cursor && before.epoch === epoch) before.next = at;
      }
    } catch (error) {
      end(error as RingcastError);
      unsubscribe();
    }
  };

  const push = (waiting: Waiting): void => {
    frames.push(waiting);
    wake?.();
  };

  async function* hand(): AsyncGenerator<Message, undefined> {
    for (;;) {
      if (isDue) resume();
      const waiting = frames[0];
      if (waiting === undefined) {
        if (failure !== undefined) throw failure;
        if (isEnded) return undefined;
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const { cursor, epoch, next, messages, gap } = waiting;
      const wire = messages[taken];
      if (wire === undefined) {
        frames.shift();
        taken = 0;
        cursor.handed = { epoch, offset: next };
        if (gap !== undefined) pass(gap);
        continue;
      }
      taken++;
      count--;
      cursor.handed = { epoch, offset: wire.offset + 1 };
      yield toMessage(cursor.topic, cursor.partition, epoch, wire, link.hubTimeMs());
      // The loop asks for the next one: it is done with this one.
      if (waiting.connection === connection && number !== undefined) finish(cursor, wire.offset);
    }
  }

  const pass = (gap: GapFrame): void => {
    options.onGap?.(gap);
    link.gap(gap);
    if (options.gaps === "reject") drop(new GapError(gap));
  };

  /** Gives credit back in quarters of the window, so that a slow trickle costs no frame for each message. */
  const finish = (cursor: Cursor, offset: number): void => {
    acks.set(cursor, offset);
    if (++done * 4 < window) return;
    done = 0;
    for (const [each, acked] of acks) acknowledge(each, acked);
    acks.clear();
  };

  const acknowledge = ({ topic: name, partition }: Cursor, offset: number): void => {
    link.send({ op: "ack", subscription: number, topic: name, partition, offset });
  };

  const close = (): Promise<void> => {
    drop();
    return Promise.resolve();
  };

  if (typeof start === "object") {
    learn("topics" in start ? start.topics : "positions" in start ? { [topic]: start.positions } : {});
  }
  signal?.addEventListener("abort", abort);
  // Whoever reads meets the error in the loop; `ready` is for those who ask.
  ready.promise.catch(() => undefined);

  return {
    topic,
    ready: ready.promise,
    get position() {
      return startAt("handed");
    },
    close,
    resume,
    lost: () => {
      retry?.cancel();
      number = undefined;
      connection++;
      done = 0;
      acks.clear();
    },
    end,
    [Symbol.asyncDispose]: close,
    [Symbol.asyncIterator]: () => {
      if (isIterating) throw new RingcastError("conflict", "Already being read.");
      isIterating = true;
      const messages = hand();
      return {
        next: () => messages.next(),
        // A generator alone would not end before the next message.
        return: async () => {
          await close();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
