/** Reads over Server-Sent Events, and goes on by `Last-Event-ID` when the stream breaks, as a browser's EventSource does. */
import type { Gap, WireMessage } from "@ringcast/protocol";
import { EventReader, type ServerEvent } from "../../support/event-reader.js";
import { readingOf, type Recorder } from "./recorder.js";

const RETRY_MS = 20;
const LOOK_EVERY_MS = 100;

export class EventStreamReader {
  readonly #name: string;
  readonly #url: string;
  readonly #topic: string;
  readonly #recorder: Recorder;
  /** Position after the last event, as the hub gave it: `partition.epoch.offset`, comma separated. */
  #lastEventId = "";
  #streams = 0;
  #mayGoOn = true;

  /** @param url of the hub, `http://…` */
  constructor(name: string, url: string, topic: string, recorder: Recorder) {
    this.#name = name;
    this.#url = `${url}/v1/topics/${topic}/events?from=earliest`;
    this.#topic = topic;
    this.#recorder = recorder;
  }

  async run(): Promise<void> {
    while (this.#mayGoOn) {
      const headers = this.#lastEventId === "" ? {} : { "Last-Event-ID": this.#lastEventId };
      const stream = await EventReader.open(this.#url, headers).catch(() => undefined);
      if (stream === undefined || stream.status !== 200) {
        stream?.[Symbol.dispose]();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      } else await this.#read(stream);
    }
  }

  stop(): void {
    this.#mayGoOn = false;
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

  async #read(stream: EventReader): Promise<void> {
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
      const event = await stream.next(LOOK_EVERY_MS).catch(() => undefined);
      if (event !== undefined) this.#take(reader, event);
      else if (stream.ended) break;
    }
    if (this.#mayGoOn) this.#recorder.tell({ type: "closed", reader });
    stream[Symbol.dispose]();
  }

  #take(reader: string, { event, data, id }: ServerEvent): void {
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
