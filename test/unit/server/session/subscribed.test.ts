import type { PartitionState } from "@ringcast/protocol";
import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../../../server/src/session/dialects.js";
import { SubscribedReplies, type TopicSubscribed } from "../../../../server/src/session/subscribed.js";

const STATE: PartitionState = { epoch: "abc", next: 7, tail: 3, head: 9 };
const REPLY: TopicSubscribed = {
  op: "subscribed",
  id: 1,
  subscription: 2,
  topic: "orders",
  partitions: { 0: STATE },
};

/** The same but for one thing. */
const OTHERS: readonly TopicSubscribed[] = [
  { ...REPLY, id: "1" },
  { ...REPLY, id: 2 },
  { ...REPLY, subscription: 3 },
  { ...REPLY, topic: "order" },
  ...[{ epoch: "abd" }, { next: 8 }, { tail: 4 }, { head: 10 }].map((change) => ({
    ...REPLY,
    partitions: { 0: { ...STATE, ...change } },
  })),
  { ...REPLY, partitions: { 0: STATE, 1: STATE } },
];

describe.each(DIALECTS)("the reply to a subscription in $name", (dialect) => {
  it("is what its dialect makes of it, whatever came before", () => {
    const replies = new SubscribedReplies();
    for (const other of OTHERS) {
      for (const reply of [REPLY, REPLY, other, other]) {
        expect(replies.frame(dialect, structuredClone(reply)), JSON.stringify(reply)).toEqual(dialect.encode(reply));
      }
    }
  });

  it("shares its bytes with the next that says the same", () => {
    const replies = new SubscribedReplies();
    const frame = replies.frame(dialect, REPLY);
    expect(replies.frame(dialect, structuredClone(REPLY))).toBe(frame);
  });
});

it("doesn't mix dialects up", () => {
  const replies = new SubscribedReplies();
  for (const dialect of [...DIALECTS, ...DIALECTS]) {
    expect(replies.frame(dialect, REPLY)).toEqual(dialect.encode(REPLY));
  }
});
