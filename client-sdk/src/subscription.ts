/**
 * One subscription over all the connections it lives through: what waits between hub and user, where both are, and when
 * the hub is told that there is room again.
 */
import {
  RingcastError,
  type ErrorCode,
  type GapFrame,
  type MessagesFrame,
  type PartitionState,
  type PartitionStates,
  type Position,
  type Start,
  type SubscribedFrame,
  type TopicStart,
  type WireMessage,
} from "@ringcast/protocol";
import type { Cursor } from "./cursor.js";
import { createDeferred } from "./deferred.js";
import { badRequest, GapError, retryDelayMs } from "./errors.js";
import type { Link, Receive } from "./link.js";
import { toMessage, type Message } from "./message.js";
import type { SubscribeOptions } from "./options.js";
import { othersAfter, toStart, type StartFields } from "./start.js";
import type { Timer } from "./runtime/port.js";

/** State of each partition, by topic. */
export type TopicStates = Readonly<Record<string, PartitionStates>>;

/**
 * What users hold of a subscription. Iterate over it, once; leaving the loop ends it, and so do `close`, `await using`
 * and the signal.
 */
export interface Subscription<Data = unknown> extends AsyncIterable<Message<Data>>, AsyncDisposable {
  /** The topic or pattern. */
  readonly topic: string;
  /**
   * Settles with the hub's first answer: the state of each partition of each topic. From then on, with `from:
   * "latest"`, nothing published is missed.
   */
  readonly ready: Promise<TopicStates>;
  /**
   * Behind the newest message that the loop got, in all partitions and topics. Plain data: keep it as JSON, hand it to
   * `subscribe` as `from`.
   */
  readonly position: Start;
  /** Ends it and drops what waits; nothing is handed out any more. */
  close(): Promise<void>;
}

/** What its owner does with it. */
export interface RunningSubscription extends Subscription {
  /**
   * Subscribes over a connection that was just made, at the exact place where the last one broke off. What still waits
   * counts: with more than half a window of it, the loop comes first.
   */
  resume(): void;
  /** Ends it, after what waits has been handed out: with an error, or as after the last message. */
  end(error: RingcastError | undefined): void;
}

/** A position, or the state of a partition: both have an epoch. */
type Place = Pick<Position, "epoch"> & Partial<Position & PartitionState>;

/** Offsets by cursor. */
type Acks = Map<Cursor, number>;

/** Messages or a gap that wait. */
interface Waiting {
  readonly cursor: Cursor;
  readonly epoch: string;
  /** Offset behind them. */
  next: number;
  readonly messages: readonly WireMessage[];
  readonly gap: GapFrame | undefined;
  /** Those of the connection they came over: the hub of another one has not counted them. */
  readonly acks: Acks;
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
  const { from = "latest", window: askedWindow = 1_024, until, filter, signal } = options;
  if (!(askedWindow >= 1)) throw badRequest(`A window is at least 1, not ${askedWindow}.`, "window");
  const isPattern = /[*>]/.test(topic);
  const start = toStart(from, isPattern);
  const ready = createDeferred<TopicStates>();
  const cursors = new Map<string, Cursor>();
  /** Where topics begin on a resume that the hub has not told of. Undefined: the hub has told nothing yet. */
  let others: TopicStart | undefined;
  /** The hub's number; undefined while not subscribed. */
  let number: number | undefined;
  let frames: Waiting[] = [];
  /** Messages in them that the user has not got. */
  let count = 0;
  /** Messages of the first one that the user has got. */
  let taken = 0;
  /** Messages that the hub may send unacknowledged on this connection. */
  let window = 0;
  /** Messages of this connection that the user is done with and the hub doesn't know of. */
  let done = 0;
  /** The newest of them in each partition; another object for each connection. */
  let acks: Acks;
  /** The hub's clock when it was asked. */
  let askedMs = 0;
  /** Not subscribed on this connection yet, because of what waits. */
  let isDue = false;
  let retry: Timer | undefined;
  /** Waited for by those who ask for what has not come yet. */
  let arrival: Promise<void> | undefined;
  let wake: (() => void) | undefined;
  let isIterating = false;
  let isEnded = false;
  let failure: RingcastError | undefined;

  /** The cursor of a partition; where there is none yet, it begins at this position. */
  const cursorOf = (name: string, partition: number | string, epoch: string, offset: number): Cursor => {
    const key = `${partition}.${name}`;
    const at = { epoch, offset };
    const cursor = cursors.get(key) ?? { topic: name, partition: Number(partition), expected: at, handed: at };
    cursors.set(key, cursor);
    return cursor;
  };

  const startAt = (which: "expected" | "handed"): Start => {
    if (!others) return start;
    // Without a prototype: "__proto__" is a legal topic name.
    const topics = Object.create(null) as Record<string, Record<string, Position>>;
    for (const cursor of cursors.values()) (topics[cursor.topic] ??= {})[cursor.partition] = cursor[which];
    return isPattern ? { topics, others } : { positions: topics[topic] ?? {} };
  };

  /** Nothing more comes under the hub's number. */
  const forget = (): void => {
    link.listen(number);
    number = undefined;
  };

  /** Ends it behind what waits. */
  const end = (error?: RingcastError): void => {
    if (number !== undefined) link.call({ op: "unsubscribe", subscription: number }, () => undefined);
    forget();
    if (isEnded) return;
    isEnded = true;
    failure = error;
    retry?.cancel();
    signal?.removeEventListener("abort", close as () => void);
    onEnd();
    if (error) ready.reject(error);
    else ready.resolve({});
    wake?.();
  };

  /** Ends it at once, whatever waits. */
  const drop = (error?: RingcastError): void => {
    frames = [];
    count = taken = 0;
    failure = undefined;
    end(error);
  };

  const close = (): Promise<void> => {
    drop();
    return Promise.resolve();
  };

  const resume = (): void => {
    const limits = link.limits();
    if (signal?.aborted) drop();
    if (isEnded || !limits) return;
    retry?.cancel();
    number = undefined;
    acks = new Map();
    done = 0;
    const limit = Math.min(askedWindow, limits.maxWindow);
    isDue = count * 2 > limit;
    if (isDue) return;
    window = limit - count;
    askedMs = link.hubTimeMs();
    link.call(
      {
        op: "subscribe",
        [isPattern ? "pattern" : "topic"]: topic,
        from: startAt("expected"),
        until,
        filter,
        window,
      },
      answered,
    );
  };

  const answered: Receive = (reply, error) => {
    if (error) {
      const delayMs = retryDelayMs(error);
      if (delayMs === undefined) end(error);
      else retry = link.runtime.setTimer(delayMs, resume);
      return;
    }
    const { subscription, partitions = {}, topics = { [topic]: partitions }, more } = reply as SubscribedFrame;
    number = subscription;
    if (isEnded) end();
    else {
      link.listen(subscription, receive);
      learn(topics);
      others ??= othersAfter(start, more, askedMs);
      ready.resolve(topics);
    }
  };

  /** Takes the positions of partitions that are not known yet. */
  const learn = (topics: Readonly<Record<string, Readonly<Record<string, Position | PartitionState>>>>): void => {
    for (const [name, partitions] of Object.entries(topics)) {
      for (const [partition, at] of Object.entries(partitions)) {
        const { epoch, offset = 0, next = offset, head } = at as Place;
        const cursor = cursorOf(name, partition, epoch, next);
        // On a resume the hub's "head" is a later one.
        if (until === "head") cursor.end ??= head;
      }
    }
  };

  const receive: Receive = (frame, error) => {
    if (frame.op === "messages") take(frame);
    else if (frame.op === "gap") {
      const { epoch, next } = frame;
      const cursor = cursorOf(frame.topic, frame.partition, epoch, frame.from);
      cursor.expected = { epoch, offset: next };
      push(cursor, epoch, next, [], frame);
    } else if (frame.op === "matched") learn({ [frame.topic]: frame.partitions });
    // An acknowledgement was refused.
    else if (error) end(error);
    else if (frame.op === "ended" || frame.op === "unsubscribed") {
      forget();
      // Everything before `until` has come; or the hub takes it away, and the reason is the code of an error.
      const { reason } = frame as { readonly reason?: ErrorCode };
      end(reason && new RingcastError(reason, "The hub ended the subscription."));
    }
  };

  /** Takes the messages that have not come before and are wanted. */
  const take = ({ topic: name, partition, epoch, next, messages }: MessagesFrame): void => {
    const cursor = cursorOf(name, partition, epoch, messages[0]?.offset ?? next);
    const { expected, end: limit = Infinity } = cursor;
    // A new epoch may begin without a gap where nothing was lost, but then exactly where the old one ended.
    const isNew = epoch !== expected.epoch;
    const fresh = messages.filter(({ offset }) => isNew || offset >= expected.offset);
    const missing = next - expected.offset - fresh.length;
    if (isNew || next > expected.offset) {
      if (filter ? missing < 0 : missing) {
        const lost = `${name}/${partition}, ${expected.offset} to ${next}`;
        end(new RingcastError("internal", `The hub skipped some of ${lost}.`));
        return;
      }
      cursor.expected = { epoch, offset: next };
    }
    const at = Math.min(next, limit);
    const wanted = limit < next ? fresh.filter(({ offset }) => offset < limit) : fresh;
    // Nobody will be done with those beyond the end.
    if (wanted.length < fresh.length) acknowledge(cursor, next - 1);
    const before = frames.at(-1);
    if (wanted.length > 0) push(cursor, epoch, at, wanted);
    // Nothing but a new position; behind another partition's messages the next frame brings it.
    else if (!before) cursor.handed = { epoch, offset: at };
    else if (before.cursor === cursor && before.epoch === epoch) before.next = at;
  };

  const push = (
    cursor: Cursor,
    epoch: string,
    next: number,
    messages: readonly WireMessage[],
    gap?: GapFrame,
  ): void => {
    frames.push({ cursor, epoch, next, messages, gap, acks });
    count += messages.length;
    wake?.();
  };

  // Written out: an async generator takes twice as long for each message.
  const next = async (): Promise<IteratorResult<Message, void>> => {
    // The loop asks for the next one: it is done with this one.
    if (taken > 0 && frames[0]?.acks === acks && number !== undefined) finish(frames[0].cursor);
    for (;;) {
      // Whoever has asked before comes first.
      while (arrival) await arrival;
      if (isDue) resume();
      const waiting = frames[0];
      if (waiting) {
        const { cursor, epoch, next: behind, messages, gap } = waiting;
        const wire = messages[taken++];
        cursor.handed = { epoch, offset: wire ? wire.offset + 1 : behind };
        if (wire) {
          count--;
          return { value: toMessage(cursor.topic, cursor.partition, epoch, wire, link.hubTimeMs()) };
        }
        frames.shift();
        taken = 0;
        if (gap) {
          options.onGap?.(gap);
          link.tell("gap", gap);
          if (options.gaps === "reject") drop(new GapError(gap));
        }
      } else if (failure) throw failure;
      else if (isEnded) return { done: true, value: undefined };
      else {
        await (arrival = new Promise<void>((resolve) => (wake = resolve)));
        arrival = undefined;
      }
    }
  };

  /** Gives credit back in quarters of the window, so that a slow trickle costs no frame for each message. */
  const finish = (cursor: Cursor): void => {
    // Of the message that it got last.
    acks.set(cursor, cursor.handed.offset - 1);
    if (++done * 4 < window) return;
    done = 0;
    for (const [each, acked] of acks) acknowledge(each, acked);
    acks.clear();
  };

  const acknowledge = ({ topic: name, partition }: Cursor, offset: number): void => {
    link.send({ op: "ack", subscription: number, topic: name, partition, offset });
  };

  const { topics, positions = {} } = start as StartFields;
  learn(topics ?? { [topic]: positions });
  signal?.addEventListener("abort", close as () => void);
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
    end,
    [Symbol.asyncDispose]: close,
    [Symbol.asyncIterator]: () => {
      if (isIterating) throw new RingcastError("conflict", "Already being read.");
      isIterating = true;
      return {
        next,
        return: () => {
          drop();
          return next();
        },
      };
    },
  };
}
