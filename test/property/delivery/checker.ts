import type { RecordFilter, Until } from "@ringcast/protocol";
import { expect } from "vitest";
import type { AnyFrame } from "../../support/frame-client.js";
import type { FakeClient } from "./in-process-hub.js";

/** A record as it was published. */
export interface Stored {
  readonly text: string;
  readonly key: string;
  readonly parity: string;
  readonly timeMs: number;
}

/** What each partition of each history was given: records by offset, under `epoch/partition`. */
export type History = Map<string, Stored[]>;

/** What a reader asked for. */
export interface Terms {
  readonly window: number;
  readonly filter: RecordFilter | undefined;
  readonly until: Until | undefined;
}

interface Place {
  epoch: string;
  next: number;
  /** The head when the subscription began; undefined in another history, which lies behind the end. */
  end: number | undefined;
}

/** A client that believes nothing: it checks each frame against what was published. */
export class Checker {
  readonly client: FakeClient;
  readonly terms: Terms;
  hasEnded = false;
  leftOut = 0;
  readonly #stored: History;
  #subscription = -1;
  #known = false;
  /** By partition: where the next frame has to begin. */
  readonly #places = new Map<number, Place>();
  /** By partition: offsets delivered and not acknowledged. */
  readonly #open = new Map<number, number[]>();

  constructor(client: FakeClient, terms: Terms, stored: History) {
    this.client = client;
    this.terms = terms;
    this.#stored = stored;
  }

  /** Goes through what came. */
  check(): void {
    for (const frame of this.client.take()) this.#frame(frame);
  }

  /** Acknowledges part of what is open in one partition. */
  ack(share: number): void {
    for (const [partition, offsets] of this.#open) {
      const upTo = Math.floor(share * offsets.length) - 1;
      const offset = offsets[upTo];
      if (offset === undefined) continue;
      this.#open.set(partition, offsets.slice(upTo + 1));
      this.client.ask({ op: "ack", subscription: this.#subscription, topic: "t.x", partition, offset });
      return;
    }
  }

  /** Whether everything published has arrived: up to the end where there is one. */
  expectComplete(heads: readonly { epoch: string; head: number }[]): void {
    if (this.terms.until !== undefined) {
      expect(this.hasEnded).toBe(true);
      return;
    }
    heads.forEach(({ epoch, head }, partition) => {
      const place = this.#places.get(partition);
      if (!this.#known && head === 0) return;
      expect([place?.epoch, place?.next]).toEqual([epoch, head]);
    });
  }

  get hasOpen(): boolean {
    return !this.hasEnded && this.#openCount > 0;
  }

  get #openCount(): number {
    return [...this.#open.values()].reduce((sum, offsets) => sum + offsets.length, 0);
  }

  #frame(frame: AnyFrame): void {
    expect(this.hasEnded).toBe(false);
    switch (frame.op) {
      case "subscribed":
        this.#subscription = frame.subscription;
        // A topic's reply lists its partitions, a pattern's its topics.
        this.#learn(Object.hasOwn(frame, "topics") ? frame.topics["t.x"] : frame.partitions);
        return;
      case "matched":
        expect(this.#known).toBe(false);
        this.#learn(frame.partitions);
        return;
      case "messages":
        this.#messages(frame);
        return;
      case "gap":
        this.#gap(frame);
        return;
      case "ended":
        this.#end();
        return;
      default:
        throw new Error(`Unexpected ${JSON.stringify(frame)}`);
    }
  }

  #learn(partitions: AnyFrame["partitions"] | undefined): void {
    if (partitions === undefined) return;
    this.#known = true;
    for (const [partition, { epoch, next, head }] of Object.entries(partitions)) {
      this.#places.set(Number(partition), { epoch, next, end: head });
    }
  }

  #messages(frame: AnyFrame): void {
    const { partition, epoch, messages } = frame;
    const place = this.#placeOf(partition);
    const stored = this.#recordsOf(place, partition);
    expect(epoch).toBe(place.epoch);
    if (this.terms.filter === undefined) expect(messages.length).toBeGreaterThan(0);
    expect(frame.next).toBeGreaterThan(place.next - (messages.length === 0 ? 1 : 0));
    for (const { offset, data, key, headers } of messages) {
      this.#leaveOut(stored, place, offset);
      const record = stored[offset];
      expect({ data, key, headers }).toEqual({
        data: record?.text,
        key: record?.key,
        headers: { parity: record?.parity },
      });
      expect(this.#isWanted(record)).toBe(true);
      expect(this.#isBeforeEnd(place, offset, record)).toBe(true);
      place.next += 1;
      if (this.terms.window > 0) this.#open.set(partition, [...(this.#open.get(partition) ?? []), offset]);
    }
    this.#leaveOut(stored, place, frame.next);
    if (Object.hasOwn(frame, "records")) expect(frame.records.every(({ isIntact }) => isIntact)).toBe(true);
    if (this.terms.window > 0) expect(this.#openCount).toBeLessThanOrEqual(this.terms.window);
  }

  /** Nothing may be missing that the filter wants. */
  #leaveOut(stored: readonly Stored[], place: Place, to: number): void {
    expect(to).toBeLessThanOrEqual(stored.length);
    for (; place.next < to; place.next++) {
      expect(this.#isWanted(stored[place.next])).toBe(false);
      this.leftOut += 1;
    }
  }

  #gap(frame: AnyFrame): void {
    const place = this.#placeOf(frame.partition);
    if (frame.reason === "deleted") {
      this.#leaveOut(this.#recordsOf(place, frame.partition), place, frame.from);
      expect([frame.to, frame.next]).toEqual([frame.from, 0]);
      expect(frame.epoch).not.toBe(place.epoch);
      this.#open.delete(frame.partition);
      place.end = undefined;
    } else {
      this.#leaveOut(this.#recordsOf(place, frame.partition), place, frame.from);
      expect(frame.reason).toBe("retention");
      expect(frame.epoch).toBe(place.epoch);
      expect(frame.to).toBeGreaterThanOrEqual(frame.from);
      expect(frame.next).toBe(frame.to + 1);
    }
    place.epoch = frame.epoch;
    place.next = frame.next;
  }

  /** Everything before the end was delivered, left out by the filter, or announced as missing. */
  #end(): void {
    expect(this.terms.until).toBeDefined();
    for (const [partition, place] of this.#places) {
      const stored = this.#recordsOf(place, partition);
      for (let offset = place.next; offset < stored.length; offset++) {
        const isDue = this.#isBeforeEnd(place, offset, stored[offset]) && this.#isWanted(stored[offset]);
        expect(isDue).toBe(false);
      }
    }
    this.hasEnded = true;
  }

  #isBeforeEnd(place: Place, offset: number, record: Stored | undefined): boolean {
    const { until } = this.terms;
    if (until === undefined) return true;
    if (until === "head") return offset < (place.end ?? 0);
    if ("offset" in until) return offset < until.offset;
    return (record?.timeMs ?? Infinity) < until.time;
  }

  #isWanted(record: Stored | undefined): boolean {
    const { filter } = this.terms;
    if (filter === undefined) return true;
    const hasKey = filter.keys === undefined || filter.keys.includes(record?.key ?? "");
    const parities = filter.headers?.["parity"];
    return hasKey && (parities === undefined || parities.includes(record?.parity ?? ""));
  }

  #recordsOf({ epoch }: Place, partition: number): readonly Stored[] {
    return this.#stored.get(`${epoch}/${partition}`) ?? [];
  }

  #placeOf(partition: number): Place {
    const place = this.#places.get(partition);
    if (place === undefined) throw new Error(`Partition ${partition} was never announced`);
    return place;
  }
}
