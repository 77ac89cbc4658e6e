/** Replies to publishes: nearly all of them look alike, and are written without an object being made. */
import type { PublishRequest } from "@ringcast/protocol";
import type { PublishOutcome } from "../hub/index.js";
import type { Dialect } from "./dialects.js";

/** What the reply takes from its request. */
export type PublishName = Pick<PublishRequest, "id" | "batch">;

/**
 * The reply to a new publish that went to one partition and has a number for its id.
 *
 * @returns bytes that hold until the next call; undefined for any other
 */
export function usualReply(
  { published }: Dialect,
  { id, batch }: PublishName,
  outcome: PublishOutcome,
): Uint8Array | undefined {
  const { topic, offsets, timestamp, duplicate } = outcome;
  const range = offsets?.length === 1 ? offsets[0] : undefined;
  if (range === undefined || timestamp === undefined || duplicate || typeof id !== "number") return undefined;
  return batch ? published.batch(id, topic, range, timestamp) : published.single(id, topic, range, timestamp);
}
