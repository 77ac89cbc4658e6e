import { describe, expect, it } from "vitest";
import { splitByPartition, type Choice } from "../../../../server/src/hub/partition-choice.js";

const choice: Choice = { partitions: 4, partition: undefined, producer: undefined, nextPartition: 2 };

describe("the partition of a message", () => {
  it("is the one that is named, for all of them", () => {
    const messages = [message("a"), message("b"), message(undefined)];

    expect(splitByPartition(messages, { ...choice, partition: 3 })).toEqual([{ partition: 3, messages }]);
  });

  it("is decided by its key, and those without one stay together on the next in turn", () => {
    const [a, b, c, d] = [message("c-17"), message(undefined), message("c-17"), message(undefined)];

    const batches = splitByPartition([a, b, c, d], choice);

    expect(batches.find(({ messages }) => messages.includes(b))).toEqual({
      partition: 2,
      messages: expect.arrayContaining([b, d]) as unknown,
    });
    expect(batches.find(({ messages }) => messages.includes(a))?.messages).toEqual(expect.arrayContaining([a, c]));
  });

  it("is the same again for a repeated request of a producer", () => {
    const first = splitByPartition([message(undefined)], { ...choice, producer: { id: "p", sequence: 5 } });
    const again = splitByPartition([message(undefined)], {
      ...choice,
      producer: { id: "p", sequence: 5 },
      nextPartition: 3,
    });

    expect(again.map(({ partition }) => partition)).toEqual(first.map(({ partition }) => partition));
  });

  it.each([-1, 4, 1.5])("is refused where it is %d of 4", (partition) => {
    expect(() => splitByPartition([message("a")], { ...choice, partition })).toThrow(
      expect.objectContaining({ code: "bad_request", details: { field: "partition" } }),
    );
  });
});

function message(key: string | undefined): Parameters<typeof splitByPartition>[0][number] {
  return {
    contentType: 1,
    data: Buffer.from("1"),
    key: key === undefined ? undefined : Buffer.from(key),
    headers: new Uint8Array(0),
  };
}
