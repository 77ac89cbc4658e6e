/**
 * Where a subscription or a page of history ends. Pure decisions over what a log tells of itself.
 *
 * @see docs/protocol.md, "subscribe"
 */
import { RingcastError, type Until } from "@ringcast/protocol";
import type { LogFacts } from "./start.js";
import type { StartTarget } from "./start-check.js";

/** No end, or none that is known yet. */
export const NO_END = Infinity;

/**
 * The offset before which reading ends.
 *
 * @param nowMs wall clock: a time that lies ahead of it has no offset yet
 * @returns {@link NO_END} where there is none or it isn't known yet
 */
export function endOf(log: LogFacts, until: Until | undefined, nowMs: number): number {
  if (until === undefined || endAhead(until, nowMs) !== undefined) return NO_END;
  if (until === "head") return log.head;
  return "offset" in until ? until.offset : log.offsetAtTime(until.time);
}

/** The end where it is a time that has not come yet: until then new topics of a pattern belong to it. Milliseconds since 1970. */
export function endAhead(until: Until | undefined, nowMs: number): number | undefined {
  return typeof until === "object" && "time" in until && until.time > nowMs ? until.time : undefined;
}

/**
 * @param topic undefined for a pattern
 * @throws RingcastError `bad_request` where the end makes no sense here
 */
export function checkUntil(until: Until | undefined, topic: StartTarget | undefined): void {
  if (typeof until !== "object" || !("offset" in until) || topic?.partitions === 1) return;
  const message = 'until.offset is for a topic with one partition: give until.time, or "head".';
  throw new RingcastError("bad_request", message, { field: "until" });
}
