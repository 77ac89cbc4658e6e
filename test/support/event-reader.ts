/** Reads Server-Sent Events as the HTML standard says, over node:http. */
import { get, type IncomingMessage } from "node:http";
import { EventParser, type ServerEvent } from "./event-parser.js";
import { within } from "./until.js";

export type { ServerEvent } from "./event-parser.js";

export class EventReader implements Disposable {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  ended = false;
  readonly #response: IncomingMessage;
  readonly #events: ServerEvent[] = [];
  #wake: (() => void) | undefined;
  readonly #parser = new EventParser();

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

  /** Lines that begin with a colon. */
  get comments(): number {
    return this.#parser.comments;
  }

  /** What `retry:` said last, milliseconds. */
  get retryMs(): number | undefined {
    return this.#parser.retryMs;
  }

  get lastEventId(): string {
    return this.#parser.lastEventId;
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
    this.#events.push(...this.#parser.take(text));
    this.#wake?.();
  }
}
