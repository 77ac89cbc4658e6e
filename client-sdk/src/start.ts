/** Where reading begins: what users say, as the wire understands it. */
import type { Start, TopicStart } from "@ringcast/protocol";
import type { MessagePosition } from "./message.js";

/** The position of a message resumes its partition; on a pattern its topic, and others begin at `latest`. */
export function toStart(from: Start | MessagePosition, isPattern?: boolean): Start {
  if (typeof from !== "object" || !("epoch" in from)) return from;
  const { topic, partition, epoch, offset } = from;
  const positions = { [partition]: { epoch, offset } };
  return isPattern ? { topics: { [topic]: positions }, others: "latest" } : { positions };
}

/**
 * Where topics begin on a resume that the hub has told nothing of. Where it has listed all, such a topic was created since then, and is
 * wanted whole. Otherwise nothing of it has come yet: it begins where it began.
 *
 * @param start   of the subscription
 * @param more    the hub has not listed all topics
 * @param askedMs the hub's clock when it was asked, or a little earlier
 */
export function othersAfter(start: Start, more: boolean, askedMs: number): TopicStart {
  if (!more) return "earliest";
  const others = typeof start === "object" && "topics" in start ? (start.others ?? "latest") : start;
  if (others === "latest") return { time: askedMs };
  return typeof others === "object" && "last" in others ? "earliest" : others;
}
