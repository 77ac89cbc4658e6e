/** Hooks that read topics. */
import { useMemo, useSyncExternalStore } from "react";
import type { Hub } from "../client.js";
import type { Message } from "../message.js";
import type { SubscribeOptions } from "../options.js";
import type { DataOf, Known, TopicOrPattern } from "../topics.js";
import { createReading, IDLE, NOTHING, type Subscribe, type TopicReading } from "./reading.js";

/** Messages that are kept, where the component doesn't say. */
const LIMIT = 100;

/** Plain data: two objects with the same content mean the same, so they may be written in the call. */
export interface UseTopicOptions extends Pick<SubscribeOptions<unknown>, "from" | "until" | "filter" | "window"> {
  /** How many of the newest messages are kept. Default 100. Where `from` is not given, reading begins with so many of the past. */
  readonly limit?: number;
}

/** The newest message of a topic or pattern. */
export interface LatestReading<Data = unknown> extends Omit<TopicReading<Data>, "messages"> {
  /** Undefined while there is none. */
  readonly message: Message<Data> | undefined;
}

/**
 * Reads a topic or a pattern as long as the component is mounted, and renders it again when messages come, at most once a turn. A component that is
 * hidden and shown again goes on exactly where it stood.
 *
 * @param topic undefined: reads nothing yet
 */
export function useTopic<Topics, Name extends TopicOrPattern<Topics>>(
  hub: Hub<Topics>,
  topic: (Name & Known<Topics, Name>) | undefined,
  options: UseTopicOptions = {},
): TopicReading<DataOf<Topics, Name>> {
  return useReading(hub, topic, options) as TopicReading<DataOf<Topics, Name>>;
}

/**
 * The newest message of a topic or pattern: the last one stored at first, then each as it comes.
 *
 * @param topic undefined: reads nothing yet
 */
export function useLatest<Topics, Name extends TopicOrPattern<Topics>>(
  hub: Hub<Topics>,
  topic: (Name & Known<Topics, Name>) | undefined,
  options: Pick<UseTopicOptions, "filter"> = {},
): LatestReading<DataOf<Topics, Name>> {
  const reading = useReading(hub, topic, { ...options, limit: 1 });
  return useMemo(() => {
    const { messages, ...rest } = reading as TopicReading<DataOf<Topics, Name>>;
    return { ...rest, message: messages.at(-1) };
  }, [reading]);
}

/** The same for every type of topic. */
function useReading(
  hub: { readonly subscribe: unknown },
  topic: string | undefined,
  { limit = LIMIT, ...rest }: UseTopicOptions,
): TopicReading {
  const reading = useMemo(() => {
    if (topic === undefined) return IDLE;
    const subscribe = hub.subscribe as (name: string, options: Parameters<Subscribe>[0]) => ReturnType<Subscribe>;
    return createReading((given) => subscribe(topic, given), rest, Math.max(1, limit));
    // By content, not by identity: a new object in each render must not subscribe anew.
  }, [hub, topic, limit, JSON.stringify(rest)]);
  return useSyncExternalStore(reading.listen, reading.current, () => NOTHING);
}
