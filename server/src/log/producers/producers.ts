import type { ProducerMark, ProducerReply, ProducerVerdict } from "../port.js";
import { Replies, type ReplyEntry } from "./replies.js";
import { decodeProducer, encodeProducer, type SavedProducer } from "./saved-producer.js";

/** Replies known word for word, for each producer: as many as a connection may have under way. */
export const KNOWN_REPLIES = 1_024;
/** Parts of publishes (a batch with keys has several) kept for each producer. */
const MAX_ENTRIES = 8 * KNOWN_REPLIES;
export const MAX_PRODUCERS = 100_000;
/** How long a producer is remembered after its last publish. */
export const PRODUCER_KEPT_MS = 7 * 24 * 3_600_000;

/** A producer that goes on publishing is put at the end of the order so often: at each publish that was a tenth of its cost. */
const REORDERED_AFTER_MS = 60_000;

interface Producer {
  next: number;
  floor: number;
  lastMs: number;
  /** Time of the publish at which it was put at the end of the order. */
  orderedMs: number;
  readonly replies: Replies;
  /** Changed since it was saved. */
  isDirty: boolean;
}

/** Where the state is kept beyond the process; a memory topic has none. */
export interface ProducerShelf {
  producers(): Iterable<{ readonly id: string; readonly state: Uint8Array }>;
  putProducers(states: readonly { readonly id: string; readonly state: string | undefined }[]): void;
  /** Whether a record that was written down once is still part of its partition's history; a power cut may have taken it. */
  isStillThere(entry: ReplyEntry): boolean;
}

/**
 * What a topic knows of its idempotent producers: the union of what was saved and of the producer parts in its logs. Kept in the order of last
 * publishes, to a minute, so that the longest silent ones are found first.
 */
export class Producers {
  readonly #shelf: ProducerShelf | undefined;
  readonly #producers = new Map<string, Producer>();
  /** Found in logs, not yet united with what was saved. */
  #found: (ReplyEntry & { readonly id: string })[] = [];
  readonly #gone = new Set<string>();
  #isLoaded = false;

  constructor(shelf: ProducerShelf | undefined) {
    this.#shelf = shelf;
  }

  /** See StoredTopic.judge. */
  judge(mark: ProducerMark, partitions: readonly number[], nowMs: number): ProducerVerdict {
    this.unite();
    const producer = this.#alive(mark.id, nowMs);
    if (producer === undefined) return this.#judgeUnknown(mark, nowMs);
    if (mark.sequence > producer.next) return { kind: "skipped", expected: producer.next };
    if (mark.sequence === producer.next) return { kind: "new" };
    if (mark.sequence < producer.floor) return { kind: "duplicate", reply: undefined };
    const entries = producer.replies.of(mark.sequence);
    // Known to be recent, but nowhere: a power cut took it.
    if (entries.length === 0) return { kind: "new" };
    if (entries.some(({ digest }) => digest !== mark.digest)) return { kind: "conflict" };
    const stored = new Set(entries.map(({ partition }) => partition));
    const isMissing = partitions.some((partition) => !stored.has(partition));
    // The same request goes to the same partitions, unless it has no key: then it went to one, and is complete there.
    const isElsewhere = entries.some(({ partition }) => !partitions.includes(partition));
    return { kind: isMissing && !isElsewhere ? "partial" : "duplicate", reply: replyOf(entries) };
  }

  /** Notes what was appended. */
  record(id: string, entry: ReplyEntry): void {
    this.unite();
    this.#add(id, entry);
  }

  /** Notes what was found in a log at its opening. */
  found(id: string, entry: ReplyEntry): void {
    this.#found.push({ id, ...entry });
  }

  /** Brings together what was saved and what was found; called when all logs that were left open are recovered, at the latest by the first publish. */
  unite(): void {
    if (this.#isLoaded && this.#found.length === 0) return;
    if (!this.#isLoaded) this.#load();
    this.#isLoaded = true;
    const found = this.#found.sort((a, b) => a.timestamp - b.timestamp);
    this.#found = [];
    for (const { id, ...entry } of found) this.#add(id, entry);
  }

  /** Writes down whatever changed. @throws RingcastError `unavailable` */
  save(): void {
    const shelf = this.#shelf;
    if (shelf === undefined) return;
    this.unite();
    const dirty = [...this.#producers].filter(([, producer]) => producer.isDirty);
    if (dirty.length === 0 && this.#gone.size === 0) return;
    const gone = [...this.#gone].map((id) => ({ id, state: undefined }));
    const states = dirty.map(([id, producer]) => ({ id, state: encodeProducer(savedOf(producer)) }));
    shelf.putProducers([...gone, ...states]);
    for (const [, producer] of dirty) producer.isDirty = false;
    this.#gone.clear();
  }

  #judgeUnknown(mark: ProducerMark, nowMs: number): ProducerVerdict {
    if (mark.sequence !== 0) return { kind: "skipped", expected: 0 };
    if (this.#producers.size >= MAX_PRODUCERS) this.#expire(nowMs);
    return this.#producers.size >= MAX_PRODUCERS ? { kind: "too_many", limit: MAX_PRODUCERS } : { kind: "new" };
  }

  #alive(id: string, nowMs: number): Producer | undefined {
    const producer = this.#producers.get(id);
    if (producer === undefined || producer.lastMs + PRODUCER_KEPT_MS >= nowMs) return producer;
    this.#forget(id);
    return undefined;
  }

  /** Forgets those who have been silent for too long; they stand in front. */
  #expire(nowMs: number): void {
    for (const [id, producer] of this.#producers) {
      if (producer.lastMs + PRODUCER_KEPT_MS >= nowMs) return;
      this.#forget(id);
    }
  }

  #forget(id: string): void {
    this.#producers.delete(id);
    this.#gone.add(id);
  }

  #add(id: string, entry: ReplyEntry): void {
    const producer = this.#producers.get(id) ?? newProducer();
    if (entry.sequence < producer.floor || !producer.replies.add(entry)) return;
    producer.next = Math.max(producer.next, entry.sequence + 1);
    producer.lastMs = Math.max(producer.lastMs, entry.timestamp);
    producer.isDirty = true;
    bound(producer);
    if (producer.lastMs - producer.orderedMs >= REORDERED_AFTER_MS) this.#putLast(id, producer);
  }

  #putLast(id: string, producer: Producer): void {
    producer.orderedMs = producer.lastMs;
    this.#producers.delete(id);
    this.#producers.set(id, producer);
    this.#gone.delete(id);
  }

  #load(): void {
    const shelf = this.#shelf;
    if (shelf === undefined) return;
    const saved = Array.from(shelf.producers(), ({ id, state }) => ({ id, ...decodeProducer(state) }));
    for (const producer of saved.sort((a, b) => a.lastMs - b.lastMs)) {
      this.#producers.set(producer.id, revive(producer, shelf));
    }
  }
}

function newProducer(): Producer {
  return { next: 0, floor: 0, lastMs: 0, orderedMs: -Infinity, replies: new Replies(), isDirty: true };
}

/** A producer as it was saved, less what a power cut took from the logs since: that is accepted again. */
function revive(saved: SavedProducer, shelf: ProducerShelf): Producer {
  const replies = new Replies();
  for (const entry of saved.entries) if (shelf.isStillThere(entry)) replies.add(entry);
  const isWhole = replies.count === saved.entries.length;
  const next = isWhole ? saved.next : Math.max(saved.floor, replies.newest + 1);
  const { floor, lastMs } = saved;
  return { next, floor, lastMs, orderedMs: lastMs, replies, isDirty: !isWhole };
}

function bound(producer: Producer): void {
  const { replies } = producer;
  producer.floor = Math.max(producer.floor, producer.next - KNOWN_REPLIES);
  while (replies.count > MAX_ENTRIES) {
    producer.floor = Math.max(producer.floor, replies.oldest + 1);
    replies.dropBelow(producer.floor);
  }
  replies.dropBelow(producer.floor);
}

function savedOf(producer: Producer): SavedProducer {
  const { next, floor, lastMs, replies } = producer;
  return { next, floor, lastMs, entries: [...replies.all()] };
}

function replyOf(entries: readonly ReplyEntry[]): ProducerReply {
  const offsets = entries.map(({ partition, epoch, first, count }) => ({ partition, epoch, first, count }));
  const first = entries[0] as ReplyEntry;
  return { offsets, timestamp: first.timestamp, digest: first.digest };
}
