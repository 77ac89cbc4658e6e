import { describe, expect, it } from "vitest";
import {
  KNOWN_REPLIES,
  MAX_PRODUCERS,
  PRODUCER_KEPT_MS,
  Producers,
  type ProducerShelf,
} from "../../../../server/src/log/producers/producers.js";
import type { ReplyEntry } from "../../../../server/src/log/producers/replies.js";

function entry(sequence: number, over: Partial<ReplyEntry> = {}): ReplyEntry {
  return {
    sequence,
    partition: 0,
    epoch: "e",
    first: sequence * 10,
    count: 10,
    timestamp: 1_000 + sequence,
    digest: sequence,
    ...over,
  };
}

function mark(sequence: number, digest = sequence) {
  return { id: "p", sequence, digest };
}

class Shelf implements ProducerShelf {
  readonly saved = new Map<string, Uint8Array>();
  lost: (entry: ReplyEntry) => boolean = () => false;

  *producers() {
    for (const [id, state] of this.saved) yield { id, state };
  }

  putProducers(states: readonly { readonly id: string; readonly state: string | undefined }[]): void {
    for (const { id, state } of states) {
      if (state === undefined) this.saved.delete(id);
      else this.saved.set(id, Buffer.from(state));
    }
  }

  isStillThere(one: ReplyEntry): boolean {
    return !this.lost(one);
  }
}

describe("a topic's producers", () => {
  it("begin at 0 and leave none out", () => {
    const producers = new Producers(undefined);
    expect(producers.judge(mark(1), [0], 0)).toEqual({ kind: "skipped", expected: 0 });
    expect(producers.judge(mark(0), [0], 0)).toEqual({ kind: "new" });
    producers.record("p", entry(0));
    expect(producers.judge(mark(1), [0], 0)).toEqual({ kind: "new" });
    expect(producers.judge(mark(2), [0], 0)).toEqual({ kind: "skipped", expected: 1 });
  });

  it("get their original reply for a repeat, and a conflict for other bytes", () => {
    const producers = new Producers(undefined);
    producers.record("p", entry(0));
    producers.record("p", entry(1, { partition: 2, epoch: "f" }));
    expect(producers.judge(mark(1), [2], 0)).toEqual({
      kind: "duplicate",
      reply: { offsets: [{ partition: 2, epoch: "f", first: 10, count: 10 }], timestamp: 1_001, digest: 1 },
    });
    expect(producers.judge(mark(1, 99), [2], 0)).toEqual({ kind: "conflict" });
  });

  it("complete a batch that a crash left in some of its partitions", () => {
    const producers = new Producers(undefined);
    producers.record("p", entry(0, { partition: 1 }));
    expect(producers.judge(mark(0), [1, 3], 0)).toMatchObject({
      kind: "partial",
      reply: { offsets: [{ partition: 1 }] },
    });
    producers.record("p", entry(0, { partition: 3 }));
    expect(producers.judge(mark(0), [1, 3], 0)).toMatchObject({
      kind: "duplicate",
      reply: { offsets: [{ partition: 1 }, { partition: 3 }] },
    });
  });

  it("are not sent elsewhere when a repeat without key would go to another partition", () => {
    const producers = new Producers(undefined);
    producers.record("p", entry(0, { partition: 1 }));
    expect(producers.judge(mark(0), [2], 0)).toMatchObject({
      kind: "duplicate",
      reply: { offsets: [{ partition: 1 }] },
    });
  });

  it("are known word for word for the last replies, older ones without", () => {
    const producers = new Producers(undefined);
    for (let sequence = 0; sequence < KNOWN_REPLIES + 2; sequence++) producers.record("p", entry(sequence));
    expect(producers.judge(mark(1), [0], 0)).toEqual({ kind: "duplicate", reply: undefined });
    expect(producers.judge(mark(2), [0], 0)).toMatchObject({ kind: "duplicate", reply: { offsets: [{ first: 20 }] } });
  });

  it("are forgotten seven days after their last publish", () => {
    const producers = new Producers(undefined);
    producers.record("p", entry(0));
    expect(producers.judge(mark(1), [0], 1_000 + PRODUCER_KEPT_MS)).toEqual({ kind: "new" });
    expect(producers.judge(mark(1), [0], 1_001 + PRODUCER_KEPT_MS)).toEqual({ kind: "skipped", expected: 0 });
  });

  it("are too many beyond the limit, until the silent ones expire", () => {
    const producers = new Producers(undefined);
    for (let i = 0; i < MAX_PRODUCERS; i++) producers.record(`p${i}`, entry(0, { timestamp: i }));
    expect(producers.judge({ id: "q", sequence: 0, digest: 0 }, [0], 0)).toEqual({ kind: "too_many", limit: 100_000 });
    expect(producers.judge({ id: "q", sequence: 0, digest: 0 }, [0], PRODUCER_KEPT_MS + 10)).toEqual({ kind: "new" });
    expect(producers.judge({ id: "p11", sequence: 1, digest: 0 }, [0], PRODUCER_KEPT_MS + 10)).toEqual({ kind: "new" });
  });

  it("are the union of what was saved and what is found in the logs", () => {
    const shelf = new Shelf();
    const before = new Producers(shelf);
    for (let sequence = 0; sequence < 3; sequence++) before.record("p", entry(sequence));
    before.save();
    const after = new Producers(shelf);
    after.found("p", entry(2));
    after.found("p", entry(4));
    after.found("p", entry(3));
    expect(after.judge(mark(4), [0], 0)).toMatchObject({ kind: "duplicate", reply: { offsets: [{ first: 40 }] } });
    expect(after.judge(mark(0), [0], 0)).toMatchObject({ kind: "duplicate", reply: { offsets: [{ first: 0 }] } });
    expect(after.judge(mark(5), [0], 0)).toEqual({ kind: "new" });
  });

  it("may send again what a power cut took away", () => {
    const shelf = new Shelf();
    const before = new Producers(shelf);
    for (let sequence = 0; sequence < 5; sequence++) before.record("p", entry(sequence));
    before.save();
    shelf.lost = ({ sequence }) => sequence >= 3;
    const after = new Producers(shelf);
    expect(after.judge(mark(3), [0], 0)).toEqual({ kind: "new" });
    expect(after.judge(mark(4), [0], 0)).toEqual({ kind: "skipped", expected: 3 });
    expect(after.judge(mark(2), [0], 0)).toMatchObject({ kind: "duplicate" });
  });

  it("are saved once for each change", () => {
    const shelf = new Shelf();
    const producers = new Producers(shelf);
    producers.record("p", entry(0));
    producers.save();
    shelf.saved.clear();
    producers.save();
    expect(shelf.saved.size).toBe(0);
    producers.record("p", entry(1));
    producers.save();
    expect(shelf.saved.size).toBe(1);
  });
});
