/** Reads pages over HTTP from the head on, each partition behind where the page before ended. */
import type { Gap, WireMessage } from "@ringcast/protocol";
import { readingOf, type Recorder } from "./recorder.js";
import type { HttpAccess, Surroundings } from "./surroundings.js";

/** A page of `GET /v1/topics/{topic}/messages`. */
export interface Page {
  readonly messages: readonly WireMessage[];
  readonly next: number;
  /** Of `next`: earlier messages may be of the epoch before. */
  readonly epoch: string;
  /** Stands before the first message, or ends the page. */
  readonly gap?: Gap;
}

interface Position {
  readonly epoch: string;
  readonly offset: number;
}

const LIMIT = 200;
/** Behind a round in which no partition had anything. */
const IDLE_MS = 5;

export class PageReader {
  readonly #name: string;
  readonly #topic: string;
  readonly #recorder: Recorder;
  readonly #surroundings: Surroundings;
  readonly #http: HttpAccess;
  /** By partition. */
  readonly #positions = new Map<number, Position>();
  #mayGoOn = true;

  constructor(
    name: string,
    topic: string,
    { recorder, surroundings, http }: { recorder: Recorder; surroundings: Surroundings; http: HttpAccess },
  ) {
    this.#name = name;
    this.#topic = topic;
    this.#recorder = recorder;
    this.#surroundings = surroundings;
    this.#http = http;
  }

  async run(): Promise<void> {
    const { pause, retryMs } = this.#surroundings;
    const name = this.#name;
    this.#recorder.tell({
      type: "open",
      reader: name,
      user: name,
      topic: this.#topic,
      via: "http",
      resumes: [],
      isFiltered: false,
    });
    for (let [partition, hasMoved] = [0, false]; this.#mayGoOn; partition++) {
      const outcome = await this.#read(partition);
      if (outcome === "failed") await pause(retryMs);
      hasMoved ||= outcome === "moved";
      if (outcome !== "no such partition") continue;
      if (!hasMoved) await pause(IDLE_MS);
      [partition, hasMoved] = [-1, false];
    }
  }

  stop(): void {
    this.#mayGoOn = false;
  }

  offsetIn(partition: number): number | undefined {
    return this.#positions.get(partition)?.offset;
  }

  async #read(partition: number): Promise<"moved" | "stands" | "failed" | "no such partition"> {
    const from = this.#positions.get(partition);
    const page = await this.#page(partition, from, `limit=${LIMIT}`);
    if (page === undefined || page === "no such partition") return page ?? "failed";
    if (from === undefined) {
      // From the head on: a page from the tail wouldn't say of which epoch its first message is.
      this.#positions.set(partition, { epoch: page.epoch, offset: page.next });
      return "moved";
    }
    const isOfOneEpoch = page.messages.length === 0 || (page.gap?.epoch ?? from.epoch) === page.epoch;
    const certain = isOfOneEpoch ? page : await this.#certainPage(partition, from);
    if (certain === undefined || certain === "no such partition") return "failed";
    this.#take(partition, from, certain);
    const { epoch, offset } = from;
    return certain.next !== offset || certain.epoch !== epoch || certain.gap !== undefined ? "moved" : "stands";
  }

  /** A page says of which epoch its end is: nothing where the new one begins at once, else one message, which is still of the old one or stands behind a gap. */
  async #certainPage(partition: number, from: Position): Promise<Page | "no such partition" | undefined> {
    const empty = await this.#page(partition, from, `until=${from.offset}`);
    if (empty === undefined || empty === "no such partition") return empty;
    return empty.epoch !== from.epoch && empty.gap === undefined ? empty : this.#page(partition, from, "limit=1");
  }

  #page(
    partition: number,
    from: Position | undefined,
    extent: string,
  ): Promise<Page | "no such partition" | undefined> {
    const start = from === undefined ? "from=latest" : `from=${from.offset}&epoch=${from.epoch}`;
    return this.#http.page(`/v1/topics/${this.#topic}/messages?partition=${partition}&${start}&${extent}`);
  }

  #take(partition: number, from: Position, { messages, next, epoch, gap }: Page): void {
    const reader = this.#name;
    const isFirst = gap !== undefined && (messages[0]?.offset ?? Infinity) >= gap.next;
    if (isFirst) this.#tell(gap);
    const epochOfMessages = isFirst ? gap.epoch : from.epoch;
    for (const message of messages) {
      const reading = readingOf(this.#topic, partition, epochOfMessages, message);
      this.#recorder.tell({ type: "delivered", reader, ...reading });
    }
    if (gap !== undefined && !isFirst) this.#tell(gap);
    this.#positions.set(partition, { epoch, offset: next });
  }

  #tell({ partition, from, to, reason, epoch, next }: Gap): void {
    this.#recorder.tell({ type: "gap", reader: this.#name, partition, from, to, reason, epoch, next });
  }
}
