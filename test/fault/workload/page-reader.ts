/** Reads pages over HTTP from the head on, each partition behind where the page before ended. */
import type { Gap, WireMessage } from "@ringcast/protocol";
import { readingOf, type Recorder } from "./recorder.js";
import type { HttpAccess, Surroundings } from "./surroundings.js";

/** A page of `GET /v1/topics/{topic}/messages`. */
export interface Page {
  readonly messages: readonly WireMessage[];
  readonly next: number;
  /** Of its messages and of `next`. */
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
      this.#positions.set(partition, { epoch: page.epoch, offset: page.next });
      return "moved";
    }
    this.#take(partition, page);
    const { epoch, offset } = from;
    return page.next !== offset || page.epoch !== epoch || page.gap !== undefined ? "moved" : "stands";
  }

  #page(
    partition: number,
    from: Position | undefined,
    extent: string,
  ): Promise<Page | "no such partition" | undefined> {
    const start = from === undefined ? "from=latest" : `from=${from.offset}&epoch=${from.epoch}`;
    return this.#http.page(`/v1/topics/${this.#topic}/messages?partition=${partition}&${start}&${extent}`);
  }

  #take(partition: number, { messages, next, epoch, gap }: Page): void {
    const reader = this.#name;
    const isFirst = gap !== undefined && (messages[0]?.offset ?? Infinity) >= gap.next;
    if (isFirst) this.#tell(gap);
    for (const message of messages) {
      const reading = readingOf(this.#topic, partition, epoch, message);
      this.#recorder.tell({ type: "delivered", reader, ...reading });
    }
    if (gap !== undefined && !isFirst) this.#tell(gap);
    this.#positions.set(partition, { epoch, offset: next });
  }

  #tell({ partition, from, to, reason, epoch, next }: Gap): void {
    this.#recorder.tell({ type: "gap", reader: this.#name, partition, from, to, reason, epoch, next });
  }
}
