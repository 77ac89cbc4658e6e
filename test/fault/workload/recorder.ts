/** Takes down what clients do and see, in the order in which it is told. */
import { crc32 } from "node:zlib";
import type { WireMessage } from "@ringcast/protocol";
import type { Bounds, History, HistoryEvent, Reading } from "../history/history.js";

type Untimed<Event> = Event extends HistoryEvent ? Omit<Event, "at"> : never;

export class Recorder {
  readonly #events: HistoryEvent[] = [];
  readonly #nowMs: () => number;
  readonly #began: number;
  #calls = 0;
  /** Publishes acknowledged so far. */
  acknowledged = 0;

  /** @param nowMs a clock that never runs back; the real one where it is left out */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#began = nowMs();
  }

  get history(): History {
    return this.#events;
  }

  tell(event: Untimed<HistoryEvent>): void {
    if (event.type === "published") this.acknowledged++;
    this.#events.push({ ...event, at: Math.round(this.#nowMs() - this.#began) });
  }

  /** Number of a new call. */
  nextCall(): number {
    return this.#calls++;
  }
}

/** What is published: its name stands in the data, so that whoever gets it knows which one it is. */
export interface Payload {
  readonly data: { readonly value: string; readonly filler: string };
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The same for the publisher and for readers of every dialect. */
export function digestOf({ data, key, headers }: Pick<WireMessage, "data" | "key" | "headers">): string {
  const named = Object.entries(headers ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([data, key ?? null, named]);
  // Nobody means to deceive: the check of zlib costs a tenth of a cryptographic one.
  return `${text.length}.${crc32(text).toString(36)}`;
}

/** A message as it came, as a reading. Data that is none of ours has no name. */
export function readingOf(topic: string, partition: number, epoch: string, message: WireMessage): Reading {
  const { offset, timestamp, data } = message;
  const value = (data as Partial<Payload["data"]> | null)?.value ?? "";
  return { topic, partition, epoch, offset, timestamp, value, digest: digestOf(message) };
}

/** States of a topic's partitions, as replies of the JSON dialect tell them. */
export function boundsOf(partitions: Readonly<Record<string, Omit<Bounds, "partition">>>): Bounds[] {
  return Object.entries(partitions).map(([partition, { epoch, tail, head }]) => ({
    partition: Number(partition),
    epoch,
    tail,
    head,
  }));
}
