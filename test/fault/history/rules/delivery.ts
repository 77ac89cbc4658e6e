/** What readers got: everything, in order, once, and nothing else: A2, A5 (handed over twice), A8, A11 to A15. */
import type { Anomaly, GapTold, Open, Place, ReadBack, Reading } from "../history.js";
import {
  lineageOf,
  nameOf,
  partitionKey,
  type HistoryIndex,
  type ReaderStep,
  type ReaderStory,
} from "../history-index.js";

/** So long after everything is quiet and healed, a reader with an open window has everything. */
export const CAUGHT_UP_AFTER_MS = 5_000;

export function delivery(index: HistoryIndex): Anomaly[] {
  const anomalies = [...handedTwice(index), ...origins(index)];
  for (const [name, story] of index.readers) {
    for (const [partition, steps] of story.got)
      anomalies.push(...new Walk(name, story, partition, steps, index).walk());
    anomalies.push(...stuck(name, story, index));
  }
  return anomalies;
}

/** A2 */
function stuck(name: string, { open, begins, got, isClosed }: ReaderStory, index: HistoryIndex): Anomaly[] {
  if (isClosed || index.quietAt === undefined || index.endAt - index.quietAt < CAUGHT_UP_AFTER_MS) return [];
  return [...begins].flatMap(([partition, begin]): Anomaly[] => {
    const readBack = index.readBacks.get(partitionKey({ topic: open.topic, partition }));
    const step = got.get(partition)?.at(-1);
    const next = step === undefined ? begin.next : step.kind === "gap" ? step.gap.next : step.record.offset + 1;
    if (readBack === undefined || next >= readBack.head) return [];
    if (open.isFiltered && !readBack.records.some((each) => each.offset >= next && isAskedFor(each, open, index)))
      return [];
    return [
      {
        name: "A2",
        what: `reader ${name} stands at ${next} of ${partitionKey(readBack)}, whose head is ${readBack.head}`,
      },
    ];
  });
}

/** A5: whoever resumes where it stood gets no position again. */
function handedTwice({ readings, readers }: HistoryIndex): Anomaly[] {
  const had = new Map<string, Set<string>>();
  return readings.flatMap(({ record, by }): Anomaly[] => {
    const user = readers.get(by)?.open.user;
    if (user === undefined) return [];
    const places = had.get(user) ?? new Set<string>();
    had.set(user, places);
    const place = nameOf(record);
    if (!places.has(place)) return (places.add(place), []);
    return [{ name: "A5", what: `${user} was handed ${record.value} at ${place} again` }];
  });
}

/** A14: nobody published it. A15: its publish was refused. */
function origins({ readings, callsOf }: HistoryIndex): Anomaly[] {
  return readings.flatMap(({ record, by, index }): Anomaly[] => {
    const calls = (callsOf.get(record.value) ?? []).filter(
      ({ call }) => call.invoked < index && call.publish.topic === record.topic,
    );
    const what = `${by} got ${record.value} at ${nameOf(record)}`;
    if (calls.length === 0) return [{ name: "A14", what: `${what}, which nobody had published there` }];
    if (!calls.some(({ call, at }) => call.publish.values[at]?.digest === record.digest)) {
      return [{ name: "A14", what: `${what} with other bytes` }];
    }
    if (!calls.every(({ call }) => call.outcome === "refused")) return [];
    return [{ name: "A15", what: `${what}, which was refused as ${calls[0]?.call.code}` }];
  });
}

/** Whether a record has one of the keys that a reader asks for. */
function isAskedFor({ value }: Reading, { keys = [] }: Open, { callsOf }: HistoryIndex): boolean {
  const key = callsOf.get(value)?.[0]?.call.publish.key;
  return key !== undefined && keys.includes(key);
}

type Partition = Pick<Place, "topic" | "partition" | "epoch">;

/** One reader's way through one partition. */
class Walk {
  readonly #anomalies: Anomaly[] = [];
  readonly #readBack: ReadBack | undefined;
  readonly #who: string;
  readonly #had = new Set<string>();
  /** Where the next record stands; undefined where nothing was told. */
  #expected: { readonly epoch: string; readonly offset: number } | undefined;
  #highest: Reading | undefined;
  #isFirst = true;

  constructor(
    name: string,
    private readonly story: ReaderStory,
    private readonly partition: number,
    private readonly steps: readonly ReaderStep[],
    private readonly index: HistoryIndex,
  ) {
    const { open, begins } = story;
    this.#who = `reader ${name} of ${partitionKey({ topic: open.topic, partition })}`;
    this.#readBack = index.readBacks.get(partitionKey({ topic: open.topic, partition }));
    const begin = begins.get(partition);
    const resume = open.resumes.find((each) => each.partition === partition);
    if (resume !== undefined) this.#expected = resume;
    else if (begin !== undefined) this.#expected = { epoch: begin.epoch, offset: begin.next };
  }

  walk(): Anomaly[] {
    for (const step of this.steps) {
      if (step.kind === "gap") this.#gap(step.gap, step.index);
      else this.#record(step.record);
      this.#isFirst = false;
    }
    return this.#anomalies;
  }

  #record(record: Reading): void {
    const { epoch, offset } = record;
    const before = this.#highest;
    const isSameEpoch = before?.epoch === epoch;
    if (before !== undefined && isSameEpoch && offset <= before.offset) {
      // The same place again is the user's matter (A5).
      if (offset < before.offset) this.#found("A8", `got offset ${offset} after ${before.offset}`);
      return;
    }
    if (!this.#isExpected(epoch, offset)) {
      const resumes = this.#isFirst && this.story.open.resumes.some(({ partition }) => partition === this.partition);
      const stood = this.#expected === undefined ? "nowhere" : `at ${this.#expected.offset} of ${this.#expected.epoch}`;
      this.#found(resumes ? "A12" : "A11", `stood ${stood} and got offset ${offset} of ${epoch}`);
    }
    this.#leftOut(epoch, offset);
    this.#highest = record;
    this.#had.add(`${epoch}/${offset}`);
    this.#expected = { epoch, offset: offset + 1 };
  }

  /** A11 of a filtered reader: a record that it asks for, and somebody got, stands between where it was and where it goes on. */
  #leftOut(epoch: string, before: number): void {
    const expected = this.#expected;
    const { open } = this.story;
    if (open.keys === undefined || expected?.epoch !== epoch) return;
    const { topic } = open;
    const missed = this.index.readings.find(
      ({ record }) =>
        record.topic === topic &&
        record.partition === this.partition &&
        record.epoch === epoch &&
        record.offset >= expected.offset &&
        record.offset < before &&
        isAskedFor(record, open, this.index),
    );
    if (missed === undefined) return;
    this.#found(
      "A11",
      `stood at ${expected.offset} of ${epoch}, went on at ${before} and never got ${missed.record.value}`,
    );
  }

  #isExpected(epoch: string, offset: number): boolean {
    const expected = this.#expected;
    if (expected === undefined) return true;
    const isPlace = this.story.open.isFiltered ? offset >= expected.offset : offset === expected.offset;
    return isPlace && (epoch === expected.epoch || this.#follows(expected, epoch));
  }

  /** Whether an epoch goes on where the reader stands, so that nothing of what it had was cut off. */
  #follows(expected: { readonly epoch: string; readonly offset: number }, epoch: string): boolean {
    const lineage = this.#readBack === undefined ? [] : lineageOf(this.#readBack);
    const [from, to] = [
      lineage.findIndex((each) => each.epoch === expected.epoch),
      lineage.findIndex((each) => each.epoch === epoch),
    ];
    // What has left by retention since, the reading back can't tell of.
    if (from < 0 && expected.offset <= (this.#readBack?.tail ?? 0)) return true;
    // Nor of an epoch whose records a later power cut took, or that had none: that the offset is the right one has to do.
    if (from < 0 || to < 0) return this.index.faults.some(({ fault }) => fault.costs === "memory");
    return to > from && expected.offset <= (lineage[to]?.first ?? -1);
  }

  #gap(gap: GapTold, index: number): void {
    const { from, to, reason, epoch, next } = gap;
    const isTurn = reason === "epoch" || reason === "deleted";
    if (from > to || (isTurn && from !== to) || (!isTurn && next !== to + 1)) {
      this.#found("A13", `was told a gap (${reason}) from ${from} to ${to}, going on at ${next}`);
    }
    const denial = isTurn ? undefined : this.#denial(gap, index);
    if (denial !== undefined) this.#found("A13", `was told a gap (${reason}) from ${from} to ${to}, ${denial}`);
    if (this.#expected !== undefined && from !== this.#expected.offset && !this.story.open.isFiltered) {
      const resumes = this.#isFirst && this.story.open.resumes.length > 0;
      this.#found(resumes ? "A12" : "A11", `stood at ${this.#expected.offset} and was told a gap from ${from}`);
    }
    // What was lost with the end of an epoch had not been there for everybody.
    if (!isTurn) this.#leftOut(epoch, from);
    this.#expected = { epoch, offset: next };
    if (isTurn) this.#highest = undefined;
  }

  /** A13: what is said to be lost was delivered before, was readable then, or is intact to somebody later. */
  #denial({ from, to, reason, epoch }: GapTold, index: number): string | undefined {
    const { topic } = this.story.open;
    const isHere = (each: Partition): boolean =>
      each.epoch === epoch && each.topic === topic && each.partition === this.partition;
    const had = [...this.#had].find((place) => place.startsWith(`${epoch}/`) && isWithin(Number(place.split("/")[1])));
    if (had !== undefined) return `which it had: ${had}`;
    // A power cut takes the tail's latest moves as well: what was let go is back, in the ring that still holds it.
    const cut =
      this.index.faults.find(({ fault, index: at }) => fault.costs === "memory" && at > index)?.index ?? Infinity;
    const later = this.index.standings.find(
      (each) => each.asked > index && each.told < cut && isHere(each) && each.tail <= to,
    );
    if (reason === "retention" && later !== undefined) return `and the tail was ${later.tail} afterwards`;
    const intact = this.index.readings.find(
      ({ record, index: at }) => at > index && isHere(record) && isWithin(record.offset),
    );
    return reason === "corrupt" && intact !== undefined ? `and ${intact.by} got ${intact.record.offset}` : undefined;

    function isWithin(offset: number): boolean {
      return offset >= from && offset <= to;
    }
  }

  #found(name: Anomaly["name"], what: string): void {
    this.#anomalies.push({ name, what: `${this.#who} ${what}` });
  }
}
