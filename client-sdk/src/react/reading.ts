/**
 * What a component reads of a topic, outside of React: a store that subscribes while somebody listens and goes on where it stood when they come back.
 * That makes it safe under StrictMode, which mounts, unmounts and mounts again.
 */
import type { Gap } from "@ringcast/protocol";
import type { Message } from "../message.js";
import type { SubscribeFrom, SubscribeOptions } from "../options.js";
import { platformRuntime } from "../runtime/platform.js";
import type { Subscription } from "../subscription.js";

/** The newest gaps are kept, at most. */
const MAX_GAPS = 100;

/**
 * `idle`: nothing to read, or nobody listens. `subscribing`: the hub has not answered yet. `open`: messages come as they are published.
 * `ended`: all before `until` has come. `failed`: see `error`.
 */
export type ReadingStatus = "idle" | "subscribing" | "open" | "ended" | "failed";

/** What has come so far. A new object whenever something changed. */
export interface TopicReading<Data = unknown> {
  /** The newest messages, oldest first, at most `limit`. */
  readonly messages: readonly Message<Data>[];
  /** Losses that were announced, oldest first, at most 100. */
  readonly gaps: readonly Gap[];
  readonly status: ReadingStatus;
  /** Why it failed: a RingcastError. */
  readonly error: unknown;
}

export interface Reading {
  /** Listens; the first listener begins the subscription, the last one that leaves ends it. */
  readonly listen: (listener: () => void) => () => void;
  readonly current: () => TopicReading;
}

/** How a hub makes a subscription, whatever its topics are. */
export type Subscribe = (options: SubscribeOptions<unknown>) => Subscription;

export const NOTHING: TopicReading = { messages: [], gaps: [], status: "idle", error: undefined };

/** Nobody reads anything. */
export const IDLE: Reading = { listen: () => () => undefined, current: () => NOTHING };

/**
 * Makes the store of one topic or pattern.
 *
 * @param limit messages that are kept, at least 1
 */
export function createReading(
  subscribe: Subscribe,
  options: Omit<SubscribeOptions<unknown>, "onGap">,
  limit: number,
): Reading {
  const listeners = new Set<() => void>();
  let reading = NOTHING;
  let subscription: Subscription | undefined;
  /** Where the next subscription begins. */
  let from: SubscribeFrom = options.from ?? { last: limit };
  /** What came and was not shown yet. */
  let messages: Message[] = [];
  let gaps: Gap[] = [];
  let isDue = false;

  const show = (change: Partial<TopicReading>): void => {
    reading = { ...reading, ...change };
    for (const listener of listeners) listener();
  };

  /** Everything that comes in one turn is shown at once: a burst of a thousand messages is one render. */
  const showSoon = (): void => {
    if (isDue) return;
    isDue = true;
    platformRuntime.setTimer(0, () => {
      isDue = false;
      const shown = { messages: join(reading.messages, messages, limit), gaps: join(reading.gaps, gaps, MAX_GAPS) };
      messages = [];
      gaps = [];
      show(shown);
    });
  };

  const take = (message: Message): void => {
    messages.push(message);
    // A hidden page may not get its turn for a while.
    if (messages.length > limit * 2) messages = messages.slice(-limit);
    showSoon();
  };

  const onGap = (gap: Gap): void => {
    gaps = join(gaps, [gap], MAX_GAPS);
    showSoon();
  };

  const read = async (mine: Subscription): Promise<void> => {
    let outcome: Partial<TopicReading> = { status: "ended" };
    try {
      void mine.ready.then(() => mine === subscription && show({ status: "open" }), noop);
      // Also what was handed out just before the end: the position is behind it.
      for await (const message of mine) take(message);
    } catch (error) {
      outcome = { status: "failed", error };
    }
    if (mine === subscription) show(outcome);
  };

  const begin = (): void => {
    try {
      subscription = subscribe({ ...options, from, onGap });
      reading = { ...reading, status: "subscribing", error: undefined };
      void read(subscription);
    } catch (error) {
      reading = { ...reading, status: "failed", error };
    }
  };

  const end = (): void => {
    if (subscription === undefined) return;
    from = subscription.position;
    void subscription.close();
    subscription = undefined;
    reading = { ...reading, status: "idle" };
  };

  return {
    listen: (listener) => {
      listeners.add(listener);
      if (listeners.size === 1 && reading.status !== "ended") begin();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && reading.status !== "ended") end();
      };
    },
    current: () => reading,
  };
}

function join<Each>(before: readonly Each[], after: readonly Each[], limit: number): Each[] {
  return [...before, ...after].slice(-limit);
}

/** The loop meets the same error. */
function noop(): void {}
