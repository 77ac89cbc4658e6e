import type { DecodedRequest } from "../../protocol/src/index.js";

/** What a decoded publish asks for as a plain object, to be compared: the messages of a publish frame are made when they are asked for. */
export function asked(outcome: DecodedRequest): unknown {
  if (!outcome.ok || outcome.request.op !== "publish") return outcome;
  const { op, id, topic, messages, batch, partition, producer, durability } = outcome.request;
  return { ok: true, request: { op, id, topic, messages, batch, partition, producer, durability } };
}
