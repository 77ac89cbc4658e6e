/** Reads over Server-Sent Events, and goes on by `Last-Event-ID` when the stream breaks, as a browser's EventSource does. */
import type { Gap, WireMessage } from "@ringcast/protocol";
import { readingOf, type Recorder } from "./recorder.js";
import type { EventSource, Surroundings } from "./surroundings.js";

type Event = Awaited<ReturnType<EventSource["next"]>>;

/** Longer than the hub is silent: it sends a comment at least. Events are what is waited for, so that this is only how often it looks. */
const SILENCE_MS = 15_000;

export class EventStreamReader {
  readonly #name: string;
  readonly #topic: string;
  readonly #recorder: Recorder;
  readonly #surroundings: Surroundings;
  /** Position after the last event, as the hub gave it: `partition.epoch.offset`, comma separated. */
  #lastEventId = "";
  #streams = 0;
  #stream: EventSource | undefined;
  #mayGoOn = true;

  constructor(name: string, topic: string, recorder: Recorder, surroundings: Surroundings) {
    this.#name = name;
    this.#topic = topic;
    this.#recorder = recorder;
    this.#surroundings = surroundings;
  }

  async run(): Promise<void> {
    while (this.#mayGoOn) {
      this.#stream = await this.#surroundings.openEvents(this.#topic, this.#lastEventId);
      if (this.#stream === undefined) await this.#surroundings.pause(this.#surroundings.retryMs);
      else await this.#read(this.#stream);
    }
  }

  stop(): void {
    this.#mayGoOn = false;
    // Whoever waits for an event hears of it.
    this.#stream?.[Symbol.dispose]();
  }

  offsetIn(partition: number): number | undefined {
    return this.#positions().find((each) => each.partition === partition)?.offset;
  }

  #positions(): { partition: number; epoch: string; offset: number }[] {
    if (this.#lastEventId === "") return [];
    return this.#lastEventId.split(",").map((each) => {
      const [partition, epoch = "", offset] = each.split(".");
      return { partition: Number(partition), epoch, offset: Number(offset) };
    });
  }

  async #read(stream: EventSource): Promise<void> {
    const reader = `${this.#name} ${++this.#streams}`;
    const open = {
      reader,
      user: this.#name,
      topic: this.#topic,
      via: "sse",
      resumes: this.#positions(),
      isFiltered: false,
    };
    this.#recorder.tell({ type: "open", ...open });
    while (this.#mayGoOn) {
      const event = await stream.next(SILENCE_MS).catch(() => undefined);
      if (event !== undefined) this.#take(reader, event);
      else if (stream.ended) break;
    }
    if (this.#mayGoOn) this.#recorder.tell({ type: "closed", reader });
    stream[Symbol.dispose]();
  }

  #take(reader: string, { event, data, id }: Event): void {
    if (event === "gap") {
      const { partition, from, to, reason, epoch, next } = JSON.parse(data) as Gap;
      this.#recorder.tell({ type: "gap", reader, partition, from, to, reason, epoch, next });
    } else {
      const message = JSON.parse(data) as WireMessage & { partition?: number };
      const partition = message.partition ?? 0;
      // The epoch stands in the id alone.
      const position = id.split(",").find((each) => each.startsWith(`${partition}.`));
      this.#recorder.tell({
        type: "delivered",
        reader,
        ...readingOf(this.#topic, partition, position?.split(".")[1] ?? "", message),
      });
    }
    this.#lastEventId = id;
  }
}
