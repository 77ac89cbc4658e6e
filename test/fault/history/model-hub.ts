/** A hub of a few lines that keeps every promise, for histories in which nothing is wrong. */
import type { Bounds, Delivered, GapTold, History, HistoryEvent, Publish, Reading, Value } from "./history.js";

export const TOPIC = "orders";
const PARTITIONS = 2;

/** What happens next; numbers choose among what there is. */
export interface Step {
  readonly what:
    | "publish"
    | "again"
    | "answer"
    | "lose"
    | "refuse"
    | "look"
    | "open"
    | "deliver"
    | "close"
    | "retain"
    | "kill"
    | "power";
  readonly who: number;
  readonly much: number;
}

interface ModelPartition {
  readonly partition: number;
  epoch: string;
  records: Reading[];
  tail: number;
  head: number;
  synced: number;
}

interface ModelReader {
  readonly user: string;
  readonly at: Map<number, { epoch: string; offset: number }>;
}

/** Carries the steps out, lets everybody catch up, and reads everything back. */
export function cleanHistory(steps: readonly Step[]): History {
  const model = new ModelHub();
  for (const step of steps) model.take(step);
  return model.end();
}

class ModelHub {
  readonly #events: HistoryEvent[] = [];
  readonly #partitions: ModelPartition[] = Array.from({ length: PARTITIONS }, (_, partition) => ({
    ...{ partition, epoch: "e0", tail: 0, head: 0, synced: 0 },
    records: [],
  }));
  readonly #readers = new Map<string, ModelReader>();
  /** Where users stood when their reader ended. */
  readonly #left: ModelReader[] = [];
  /** Stored, and not answered yet. */
  #unanswered: { readonly publish: Publish; readonly first: Reading; readonly isDuplicate: boolean }[] = [];
  readonly #answered: { readonly publish: Publish; readonly first: Reading }[] = [];
  #at = 0;
  #time = 1_763_600_000_000;
  #numbers = 0;

  take({ what, who, much }: Step): void {
    this.#at += 1 + (much % 7);
    if (what === "publish") this.#publish(who, much);
    else if (what === "again") this.#again(who);
    else if (what === "answer") this.#answer(much % 3);
    else if (what === "lose") this.#lose();
    else if (what === "refuse") this.#refuse(who);
    else if (what === "look") this.#look();
    else if (what === "open") this.#open(who, much);
    else if (what === "deliver") this.#deliver(who, much);
    else if (what === "close") this.#close([...this.#readers.keys()][who % Math.max(1, this.#readers.size)]);
    else if (what === "retain") this.#retain(who, much);
    else this.#die(what);
  }

  end(): History {
    this.#answer(Infinity);
    this.#tell({ type: "quiet", at: this.#at });
    for (const reader of this.#readers.keys()) this.#deliverTo(reader, Infinity);
    this.#at += 6_000;
    for (const each of this.#partitions) {
      this.#tell({ type: "readBack", at: this.#at, topic: TOPIC, ...bounds(each), records: each.records });
    }
    this.#tell({ type: "end", at: this.#at });
    return this.#events;
  }

  #publish(who: number, much: number): void {
    const client = `client-${who % 3}`;
    const values = Array.from({ length: 1 + (much % 3) }, () => this.#newValue());
    const durability = much % 4 === 0 ? "synced" : "stored";
    const base = {
      type: "publish",
      call: this.#numbers++,
      client,
      at: this.#at,
      topic: TOPIC,
      values,
      durability,
    } as const;
    const publish: Publish = much % 2 === 0 ? base : { ...base, producer: { id: client, sequence: this.#numbers++ } };
    this.#tell(publish);
    const partition = this.#partition(much);
    const first = this.#append(partition, values);
    this.#unanswered.push({ publish, first, isDuplicate: false });
  }

  #append(partition: ModelPartition, values: readonly Value[]): Reading {
    this.#time += values.length % 2;
    const { epoch, head } = partition;
    const place = { topic: TOPIC, partition: partition.partition, epoch, timestamp: this.#time };
    const records = values.map((value, n) => ({ ...place, offset: head + n, ...value }));
    partition.records.push(...records);
    partition.head += values.length;
    return records[0] as Reading;
  }

  /** A client that knows no answer, or doesn't believe it, sends the same sequence again. */
  #again(who: number): void {
    const known = this.#answered.filter(({ publish, first }) => publish.producer !== undefined && this.#holds(first));
    const chosen = known[who % Math.max(1, known.length)];
    if (chosen === undefined) return;
    const publish = { ...chosen.publish, call: this.#numbers++, at: this.#at };
    this.#tell(publish);
    this.#unanswered.push({ publish, first: chosen.first, isDuplicate: true });
  }

  #holds(record: Reading): boolean {
    return this.#partition(record.partition).records.some(
      ({ epoch, offset }) => epoch === record.epoch && offset === record.offset,
    );
  }

  #answer(count: number): void {
    for (const { publish, first, isDuplicate } of this.#unanswered.splice(0, count)) {
      const places = publish.values.map((_, n) => ({
        topic: TOPIC,
        partition: first.partition,
        epoch: first.epoch,
        offset: first.offset + n,
      }));
      const partition = this.#partition(first.partition);
      if (publish.durability === "synced")
        partition.synced = Math.max(partition.synced, first.offset + publish.values.length);
      this.#tell({
        type: "published",
        call: publish.call,
        at: this.#at,
        places,
        timestamp: first.timestamp,
        isDuplicate,
      });
      this.#answered.push({ publish, first });
    }
  }

  /** An answer that doesn't arrive. */
  #lose(): void {
    const lost = this.#unanswered.shift();
    if (lost === undefined) return;
    this.#tell({ type: "unknown", call: lost.publish.call, at: this.#at });
    if (!lost.isDuplicate) this.#answered.push(lost);
  }

  #refuse(who: number): void {
    const [call, client] = [this.#numbers++, `client-${who % 3}`];
    const base = { type: "publish", call, client, at: this.#at, topic: TOPIC, durability: "stored" } as const;
    this.#tell({ ...base, values: [this.#newValue()] });
    this.#tell({ type: "refused", call, at: this.#at, code: "rate_limited" });
  }

  #look(): void {
    const call = this.#numbers++;
    this.#tell({ type: "look", call, at: this.#at, topic: TOPIC });
    this.#tell({ type: "looked", call, at: this.#at, partitions: this.#partitions.map(bounds) });
  }

  #open(who: number, much: number): void {
    const reader = `reader-${this.#numbers++}`;
    const before = much % 2 === 0 ? this.#left.splice(who % Math.max(1, this.#left.length), 1)[0] : undefined;
    const user = before?.user ?? reader;
    const resumes = [...(before?.at ?? [])].map(([partition, at]) => ({ partition, ...at }));
    this.#tell({ type: "open", reader, user, at: this.#at, topic: TOPIC, via: "model", resumes, isFiltered: false });
    const isEarliest = much % 3 === 0;
    const begins = this.#partitions.map((each) => {
      const at = before?.at.get(each.partition) ?? { epoch: each.epoch, offset: isEarliest ? each.tail : each.head };
      return { ...bounds(each), next: Math.min(at.offset, each.head) };
    });
    this.#tell({ type: "opened", reader, at: this.#at, partitions: begins });
    const at = begins.map(({ partition, next }) => {
      const epoch = this.#partition(partition).records.find(({ offset }) => offset === next)?.epoch;
      return [
        partition,
        before?.at.get(partition) ?? { epoch: epoch ?? this.#partition(partition).epoch, offset: next },
      ] as const;
    });
    this.#readers.set(reader, { user, at: new Map(at) });
  }

  #deliver(who: number, much: number): void {
    const reader = [...this.#readers.keys()][who % Math.max(1, this.#readers.size)];
    if (reader !== undefined) this.#deliverTo(reader, 1 + (much % 8));
  }

  #deliverTo(reader: string, count: number): void {
    const { at } = this.#readers.get(reader) as ModelReader;
    for (const partition of this.#partitions) {
      const stands = at.get(partition.partition) ?? { epoch: partition.epoch, offset: partition.head };
      at.set(partition.partition, this.#deliverPartition(reader, partition, stands, count));
    }
  }

  #deliverPartition(
    reader: string,
    partition: ModelPartition,
    stands: { epoch: string; offset: number },
    count: number,
  ): { epoch: string; offset: number } {
    const told = { type: "gap", reader, at: this.#at, partition: partition.partition } as const;
    const gap = (rest: Pick<GapTold, "from" | "to" | "reason" | "next">): void =>
      this.#tell({ ...told, epoch: partition.epoch, ...rest });
    let { epoch, offset } = stands;
    const cut = this.#cuts.find(
      (each) => each.partition === partition.partition && each.epochs.has(epoch) && offset > each.at,
    );
    if (cut !== undefined) {
      const next = Math.max(cut.at, partition.tail);
      gap({ from: offset, to: offset, reason: "epoch", next });
      [epoch, offset] = [partition.epoch, next];
    }
    if (offset < partition.tail) {
      gap({ from: offset, to: partition.tail - 1, reason: "retention", next: partition.tail });
      [epoch, offset] = [partition.epoch, partition.tail];
    }
    for (const record of partition.records.filter((each) => each.offset >= offset).slice(0, count)) {
      const delivered: Delivered = { type: "delivered", reader, at: this.#at, ...record };
      this.#tell(delivered);
      [epoch, offset] = [record.epoch, record.offset + 1];
    }
    return { epoch, offset };
  }

  /** Where an end was lost, and the epochs that were known then. */
  readonly #cuts: { readonly partition: number; readonly at: number; readonly epochs: Set<string> }[] = [];

  #close(reader: string | undefined): void {
    if (reader === undefined) return;
    this.#tell({ type: "closed", reader, at: this.#at });
    this.#left.push(this.#readers.get(reader) as ModelReader);
    this.#readers.delete(reader);
  }

  #retain(who: number, much: number): void {
    const partition = this.#partition(who);
    partition.tail = Math.min(partition.head, partition.tail + (much % 4));
    partition.records = partition.records.filter(({ offset }) => offset >= partition.tail);
  }

  #die(how: "kill" | "power"): void {
    this.#tell({ type: "fault", at: this.#at, name: how, costs: how === "kill" ? "none" : "memory" });
    for (const reader of [...this.#readers.keys()]) this.#close(reader);
    while (this.#unanswered.length > 0) this.#lose();
    if (how === "kill") return;
    for (const partition of this.#partitions) this.#cut(partition);
  }

  #cut(partition: ModelPartition): void {
    const at = Math.max(partition.synced, partition.tail);
    if (at === partition.head) return;
    const epochs = new Set([partition.epoch, ...partition.records.map(({ epoch }) => epoch)]);
    this.#cuts.unshift({ partition: partition.partition, at, epochs });
    partition.records = partition.records.filter(({ offset }) => offset < at);
    partition.head = at;
    partition.epoch = `e${++this.#numbers}`;
  }

  #partition(number: number): ModelPartition {
    return this.#partitions[number % PARTITIONS] as ModelPartition;
  }

  #newValue(): Value {
    const value = `v${this.#numbers++}`;
    return { value, digest: `#${value}` };
  }

  #tell(event: HistoryEvent): void {
    this.#events.push(event);
  }
}

function bounds({ partition, epoch, tail, head }: ModelPartition): Bounds {
  return { partition, epoch, tail, head };
}
