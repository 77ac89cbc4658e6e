/** A history, looked up by what the rules ask for. */
import type {
  Fault,
  GapTold,
  History,
  HistoryEvent,
  Open,
  Place,
  Publish,
  Reading,
  ReadBack,
  Value,
} from "./history.js";

/** A publish with what became of it. Indices are those of the events, and tell what came before what. */
export interface Call {
  readonly publish: Publish;
  readonly invoked: number;
  readonly outcome: "ok" | "refused" | "unknown" | "none";
  readonly ended: number;
  readonly places: readonly Place[];
  readonly timestamp: number;
  readonly isDuplicate: boolean;
  readonly code: string | undefined;
}

/** How a partition stood, told between two moments. */
export interface Standing {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly tail: number;
  readonly head: number;
  readonly next: number | undefined;
  /** `epoch` is the newest one; what a reader is told that doesn't begin at the head is that of its position. */
  readonly isCurrent: boolean;
  readonly asked: number;
  readonly told: number;
}

/** What a reader got, in its order, by partition. */
export interface ReaderStory {
  readonly open: Open;
  /** Where the reply said it begins, by partition. */
  readonly begins: ReadonlyMap<number, { readonly epoch: string; readonly next: number }>;
  readonly got: ReadonlyMap<number, readonly ReaderStep[]>;
  readonly isClosed: boolean;
}
export type ReaderStep =
  | { readonly kind: "record"; readonly record: Reading; readonly index: number }
  | { readonly kind: "gap"; readonly gap: GapTold; readonly index: number };

export interface HistoryIndex {
  readonly events: History;
  readonly calls: readonly Call[];
  /** By value: the calls that published it, more than one where it was sent again. */
  readonly callsOf: ReadonlyMap<string, readonly { readonly call: Call; readonly at: number }[]>;
  readonly standings: readonly Standing[];
  readonly readers: ReadonlyMap<string, ReaderStory>;
  readonly readBacks: ReadonlyMap<string, ReadBack>;
  /** Everything that anybody got, the reading back included. */
  readonly readings: readonly { readonly record: Reading; readonly index: number; readonly by: string }[];
  readonly faults: readonly { readonly fault: Fault; readonly index: number }[];
  readonly quietAt: number | undefined;
  readonly endAt: number;
}

/** `topic/partition` */
export function partitionKey({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}

/** Like `orders/0 epoch k7Qx offset 42`. */
export function nameOf({ topic, partition, epoch, offset }: Place): string {
  return `${topic}/${partition} epoch ${epoch} offset ${offset}`;
}

export function indexOf(events: History): HistoryIndex {
  const calls = callsOf(events);
  const readers = readersOf(events);
  const readBacks = new Map<string, ReadBack>();
  for (const event of events) if (event.type === "readBack") readBacks.set(partitionKey(event), event);
  const readings = events.flatMap((event, index) => {
    if (event.type === "delivered") return [{ record: event, index, by: event.reader }];
    if (event.type !== "readBack") return [];
    return event.records.map((record) => ({ record, index, by: "reading back" }));
  });
  return {
    events,
    calls,
    callsOf: callsByValue(calls),
    standings: standingsOf(events),
    readers,
    readBacks,
    readings,
    faults: events.flatMap((fault, index) => (fault.type === "fault" ? [{ fault, index }] : [])),
    quietAt: events.find((event) => event.type === "quiet")?.at,
    endAt: events.at(-1)?.at ?? 0,
  };
}

function callsOf(events: History): Call[] {
  const calls = new Map<number, Call>();
  events.forEach((event, index) => {
    if (event.type === "publish") calls.set(event.call, pending(event, index));
    if (event.type !== "published" && event.type !== "refused" && event.type !== "unknown") return;
    const call = calls.get(event.call);
    if (call === undefined) throw new Error(`event ${index} ends call ${event.call}, which nobody made`);
    calls.set(event.call, { ...call, ...outcomeOf(event), ended: index });
  });
  return [...calls.values()];
}

function callsByValue(calls: readonly Call[]): Map<string, { readonly call: Call; readonly at: number }[]> {
  const all = calls.flatMap((call) => call.publish.values.map(({ value }, at) => ({ value, call, at })));
  return groupBy(all, ({ value }) => value);
}

function pending(publish: Publish, invoked: number): Call {
  const nothing = { places: [], timestamp: 0, isDuplicate: false, code: undefined };
  return { publish, invoked, outcome: "none", ended: Infinity, ...nothing };
}

function outcomeOf(event: HistoryEvent): Partial<Call> {
  if (event.type === "refused") return { outcome: "refused", code: event.code };
  if (event.type !== "published") return { outcome: "unknown" };
  const { places, timestamp, isDuplicate } = event;
  return { outcome: "ok", places, timestamp, isDuplicate };
}

function standingsOf(events: History): Standing[] {
  const asked = new Map<string, { topic: string; index: number; resumed: readonly number[] }>();
  return events.flatMap((event, told): Standing[] => {
    if (event.type === "look") asked.set(`call ${event.call}`, { topic: event.topic, index: told, resumed: [] });
    if (event.type === "open") {
      const resumed = event.resumes.map(({ partition }) => partition);
      asked.set(`reader ${event.reader}`, { topic: event.topic, index: told, resumed });
    }
    if (event.type !== "looked" && event.type !== "opened") return [];
    const request = asked.get(event.type === "looked" ? `call ${event.call}` : `reader ${event.reader}`);
    if (request === undefined) throw new Error(`event ${told} answers what nobody asked`);
    return event.partitions.map((bounds) => ({
      ...bounds,
      topic: request.topic,
      isCurrent: !("next" in bounds) || (bounds.next === bounds.head && !request.resumed.includes(bounds.partition)),
      next: "next" in bounds ? bounds.next : undefined,
      asked: request.index,
      told,
    }));
  });
}

function readersOf(events: History): Map<string, ReaderStory> {
  const readers = new Map<string, ReaderStory>();
  const storyOf = (reader: string): ReaderStory => {
    const story = readers.get(reader);
    if (story === undefined) throw new Error(`reader ${reader} was never opened`);
    return story;
  };
  events.forEach((event, index) => {
    if (event.type === "open")
      readers.set(event.reader, { open: event, begins: new Map(), got: new Map(), isClosed: false });
    if (event.type === "closed") readers.set(event.reader, { ...storyOf(event.reader), isClosed: true });
    if (event.type === "opened") {
      const begins = new Map(event.partitions.map(({ partition, epoch, next }) => [partition, { epoch, next }]));
      readers.set(event.reader, { ...storyOf(event.reader), begins });
    }
    if (event.type === "delivered" || event.type === "gap") {
      const got = storyOf(event.reader).got as Map<number, ReaderStep[]>;
      const steps = got.get(event.partition) ?? [];
      if (steps.length === 0) got.set(event.partition, steps);
      steps.push(event.type === "gap" ? { kind: "gap", gap: event, index } : { kind: "record", record: event, index });
    }
  });
  return readers;
}

/**
 * Order of the epochs of a partition, as the reading back shows it: an offset behind every epoch but the last. Epochs that were cut off whole, or have left
 * by retention, are not in it.
 */
export function lineageOf(readBack: ReadBack): readonly { readonly epoch: string; readonly first: number }[] {
  const lineage: { epoch: string; first: number }[] = [];
  for (const { epoch, offset } of readBack.records) {
    if (lineage.at(-1)?.epoch !== epoch) lineage.push({ epoch, first: offset });
  }
  if (lineage.at(-1)?.epoch !== readBack.epoch) lineage.push({ epoch: readBack.epoch, first: readBack.head });
  return lineage;
}

/** Whether two say the same of a value. */
export function isSameValue(one: Value, other: Value): boolean {
  return one.value === other.value && one.digest === other.digest;
}

/** As `Map.groupBy`, which Node 20 doesn't have. */
export function groupBy<Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
