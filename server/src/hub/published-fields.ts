import type { PublishedFrame } from "@ringcast/protocol";
import type { PublishOutcome } from "./port.js";

/**
 * The fields of the reply to a publish, the same on a socket and over HTTP.
 *
 * @param batch asked with `messages`, so answered with `offsets`
 */
export function publishedFields(
  { topic, offsets, timestamp, duplicate }: PublishOutcome,
  { batch }: { readonly batch: boolean },
): Omit<PublishedFrame, "op" | "id"> {
  const repeated = duplicate ? ({ duplicate: true } as const) : {};
  if (offsets === undefined || timestamp === undefined) return { topic, ...repeated };
  if (batch) return { topic, timestamp, offsets, ...repeated };
  const [range] = offsets;
  if (range === undefined) return { topic, ...repeated };
  return { topic, partition: range.partition, epoch: range.epoch, offset: range.first, timestamp, ...repeated };
}
