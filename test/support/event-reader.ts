/** Reads Server-Sent Events as the HTML standard says, over node:http. */
import { get, type IncomingMessage } from "node:http";
import { within } from "./until.js";

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** The last event id after this event. */
  readonly id: string;
}

export class EventReader implements Disposable {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Lines that begin with a colon. */
  comments = 0;
  /** What `retry:` said last, milliseconds. */
  retryMs: number | undefined;
  lastEventId = "";
  ended = false;
  readonly #response: IncomingMessage;
  readonly #events: ServerEvent[] = [];
  #wake: (() => void) | undefined;
  #rest = "";
  #fields: { data: string[]; event: string } = { data: [], event: "" };

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding("utf8");
    response.on("data", (text: string) => this.#take(text));
    response.on("error", () => undefined);
    response.on("close", () => {
      this.ended = true;
      this.#wake?.();
    });
  }

  static open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventReader> {
    return new Promise((resolve, reject) => {
      get(url, { headers, agent: false }, (response) => resolve(new EventReader(response))).on("error", reject);
    });
  }

  /** The next event. */
  async next(timeoutMs = 10_000): Promise<ServerEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.ended) throw new Error("The stream ended while an event was expected");
      await within("an event", new Promise<void>((resolve) => (this.#wake = resolve)), timeoutMs);
    }
  }

  /** The data of the next `count` events, parsed. */
  async messages(count: number): Promise<{ offset: number; data: unknown; partition?: number; key?: string }[]> {
    const all = [];
    while (all.length < count) all.push(JSON.parse((await this.next()).data) as { offset: number; data: unknown });
    return all;
  }

  /** Takes no more bytes from the socket. */
  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  [Symbol.dispose](): void {
    this.#response.destroy();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#takeLine(line);
    this.#wake?.();
  }

  #takeLine(line: string): void {
    const at = line.indexOf(":");
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (line === "") this.#dispatch();
    else if (at === 0) this.comments += 1;
    else if (name === "data") this.#fields.data.push(value);
    else if (name === "event") this.#fields.event = value;
    else if (name === "id") this.lastEventId = value;
    else if (name === "retry") this.retryMs = Number(value);
  }

  #dispatch(): void {
    const { data, event } = this.#fields;
    this.#fields = { data: [], event: "" };
    if (data.length === 0) return;
    this.#events.push({ event: event === "" ? "message" : event, data: data.join("\n"), id: this.lastEventId });
  }
}
