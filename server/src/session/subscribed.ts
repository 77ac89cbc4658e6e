/**
 * Replies to subscriptions to one topic. Thousands that come back after a cut ask the same, and the topic stands where it stood for the one before: they share that
 * one's bytes, whose making took a tenth of the hub's own part of such a connection.
 */
import type { PartitionState, SubscribedFrame } from "@ringcast/protocol";
import type { Frame } from "../hub/index.js";
import type { Dialect } from "./dialects.js";

/** The reply to a subscription to one topic. */
export type TopicSubscribed = SubscribedFrame & Required<Pick<SubscribedFrame, "topic" | "partitions">>;

/** The last one to a topic with one partition. */
interface Kept {
  readonly reply: TopicSubscribed;
  readonly state: PartitionState;
  readonly frame: Frame;
}

export class SubscribedReplies {
  readonly #kept = new Map<Dialect, Kept>();

  /** The reply as a frame, which may be another connection's too. */
  frame(dialect: Dialect, reply: TopicSubscribed): Frame {
    const state = onlyState(reply);
    if (state === undefined) return dialect.encode(reply);
    const known = this.#kept.get(dialect);
    if (known !== undefined && isSame(known, reply, state)) return known.frame;
    const frame = dialect.encode(reply);
    this.#kept.set(dialect, { reply, state, frame });
    return frame;
  }
}

/** The state of a topic's one partition; undefined where it has more. */
function onlyState({ partitions }: TopicSubscribed): PartitionState | undefined {
  return partitions[1] === undefined ? partitions[0] : undefined;
}

function isSame({ reply, state }: Kept, other: TopicSubscribed, { epoch, next, tail, head }: PartitionState): boolean {
  return (
    reply.id === other.id &&
    reply.subscription === other.subscription &&
    reply.topic === other.topic &&
    state.epoch === epoch &&
    state.next === next &&
    state.tail === tail &&
    state.head === head
  );
}
