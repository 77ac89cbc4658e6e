/** Everything that happened in a run, in the order of its virtual time. */
import type { HubEvent } from "../../server/src/hub/index.js";
import type { LogEvent } from "../../server/src/log/index.js";
import type { History, HistoryEvent } from "../fault/history/history.js";

const WIDEST = 240;

export class Trace {
  readonly #lines: { readonly atMs: number; readonly text: string }[] = [];

  /** What a hub tells its operator. */
  hub(atMs: number, event: LogEvent | HubEvent): void {
    this.#lines.push({ atMs, text: `hub: ${JSON.stringify(event)}` });
  }

  print(history: History): void {
    const all = [...this.#lines, ...history.map((event) => ({ atMs: event.at, text: textOf(event) }))];
    for (const { atMs, text } of all.toSorted((a, b) => a.atMs - b.atMs))
      console.log(`${(atMs / 1_000).toFixed(3).padStart(9)} ${text.slice(0, WIDEST)}`);
  }
}

function textOf(event: HistoryEvent): string {
  const { type, at, ...rest } = event;
  return at >= 0 ? `${type} ${JSON.stringify(rest)}` : type;
}
