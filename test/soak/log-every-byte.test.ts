/** Truncation at each byte of the last three records, and a flipped bit at each byte of three records. The same for each byte of the header: `test/soak/storage.test.ts`. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flip, type Found, KilledLogs, RECORDS, without } from "../fault/log/killed-logs.js";

const CASES = (["mapped", "file"] as const).flatMap((region) =>
  (["synced", "stored"] as const).map((durability) => ({ region, durability })),
);
const LAST = RECORDS - 1;

describe.each(CASES)("logs in a $region region whose records are $durability", ({ region, durability }) => {
  let logs: KilledLogs;
  beforeAll(async () => {
    logs = await KilledLogs.make({ mmap: region === "mapped", isSynced: durability === "synced" });
  });
  afterAll(() => logs[Symbol.dispose]());

  /** Every byte of some records. */
  function bytesOf(...offsets: readonly number[]): { at: number; offset: number }[] {
    return offsets.flatMap((offset) => {
      const [from, to] = [logs.places[offset] as number, logs.places[offset + 1] as number];
      return Array.from({ length: to - from }, (_, i) => ({ at: from + i, offset }));
    });
  }

  /** What is left of a log that ends at a byte of its file: a record is whole when all that says anything is there. */
  const leftOf = (bytes: number): number => logs.ends.filter((end) => end <= bytes).length;

  it("lose exactly the record in which a bit is flipped when the process died: it is announced, the others can be read", async () => {
    await logs.open({
      damages: bytesOf(0, 6, LAST),
      damage: flip,
      after: "kill",
      check: (found, { at, offset }) => {
        const isPadding = at >= (logs.ends[offset] as number);
        expect(seenOf(found, at)).toEqual(isPadding ? wholeOf(at) : { ...wholeOf(at), ...lost(offset, offset) });
      },
    });
  });

  it("end before the record in which a bit is flipped when the power was cut, in a new epoch; a synced one is a gap", async () => {
    await logs.open({
      damages: bytesOf(0, 6, LAST),
      damage: flip,
      after: "power",
      check: (found, { at, offset }) => {
        const isPadding = at >= (logs.ends[offset] as number);
        const isGap = durability === "synced" && !isPadding;
        const head = isPadding || isGap ? RECORDS : offset;
        const rest = isGap ? lost(offset, offset) : { offsets: without().slice(0, head) };
        expect(seenOf(found, at)).toEqual({ ...wholeOf(at), head, ...rest, epochs: newEpochAt(head) });
      },
    });
  });

  it("keep exactly the whole records when they are cut at a byte and the process died: the rest is announced", async () => {
    await logs.open({
      damages: bytesOf(LAST - 2, LAST - 1, LAST),
      damage: (file, { at }) => file.subarray(0, at),
      after: "kill",
      check: (found, { at }) => {
        const left = leftOf(at);
        expect(seenOf(found, at)).toEqual({ ...wholeOf(at), ...lost(left, LAST) });
      },
    });
  });

  it("keep exactly the whole records when they are cut at a byte and the power was cut, in a new epoch", async () => {
    await logs.open({
      damages: bytesOf(LAST - 2, LAST - 1, LAST),
      damage: (file, { at }) => file.subarray(0, at),
      after: "power",
      check: (found, { at }) => {
        const left = leftOf(at);
        const head = durability === "synced" ? RECORDS : left;
        const rest = durability === "synced" ? lost(left, LAST) : { offsets: without().slice(0, left) };
        expect(seenOf(found, at)).toEqual({ ...wholeOf(at), head, ...rest, epochs: newEpochAt(head) });
      },
    });
  });
});

/** Everything about a log that a test says something of; `at` names the position where one fails. */
function seenOf({ log, offsets, holes }: Found, at: number): object {
  return { at, head: log.head, offsets, holes, epochs: log.lineage.map(({ first }) => first) };
}

function wholeOf(at: number): object {
  return { at, head: RECORDS, offsets: without(), holes: [], epochs: [0, 5] };
}

function lost(from: number, to: number): object {
  const all = without();
  return from > to ? {} : { holes: [{ from, to }], offsets: without(...all.slice(from, to + 1)) };
}

/** Where epochs begin when one more begins at the head; the second of the log is gone when the log ends before it. */
function newEpochAt(head: number): number[] {
  return [...[0, 5].filter((first) => first <= head), head];
}
