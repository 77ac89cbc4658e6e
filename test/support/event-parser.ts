/** Understands Server-Sent Events as the HTML standard says, from text in pieces of any size. */

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** The last event id after this event. */
  readonly id: string;
}

export class EventParser {
  /** Lines that begin with a colon. */
  comments = 0;
  /** What `retry:` said last, milliseconds. */
  retryMs: number | undefined;
  lastEventId = "";
  #rest = "";
  #fields: { data: string[]; event: string } = { data: [], event: "" };

  /** @returns the events that are whole now */
  take(text: string): ServerEvent[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#takeLine(line));
  }

  #takeLine(line: string): ServerEvent[] {
    const at = line.indexOf(":");
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (line === "") return this.#dispatch();
    if (at === 0) this.comments += 1;
    else if (name === "data") this.#fields.data.push(value);
    else if (name === "event") this.#fields.event = value;
    else if (name === "id") this.lastEventId = value;
    else if (name === "retry") this.retryMs = Number(value);
    return [];
  }

  #dispatch(): ServerEvent[] {
    const { data, event } = this.#fields;
    this.#fields = { data: [], event: "" };
    if (data.length === 0) return [];
    return [{ event: event === "" ? "message" : event, data: data.join("\n"), id: this.lastEventId }];
  }
}
