/** The hub's topics in a table, with how fast each grows. */
import type { TopicDescription } from "@ringcast/protocol";
import { byId, make } from "./dom.js";
import { countText } from "./moments.js";

interface Row {
  readonly row: HTMLElement;
  readonly cells: readonly HTMLElement[];
  head: number;
  seenMs: number;
}

const SIZE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export class TopicsTable {
  readonly #body = byId("topics", HTMLElement);
  readonly #rows = new Map<string, Row>();

  /** Shows these topics and no others. @param nowMs a clock that never runs back, for the rates */
  show(topics: readonly TopicDescription[], nowMs: number): void {
    const names = new Set(topics.map(({ name }) => name));
    for (const [name, { row }] of this.#rows) {
      if (names.has(name)) continue;
      row.remove();
      this.#rows.delete(name);
    }
    for (const topic of topics) this.#showTopic(topic, nowMs);
  }

  #showTopic({ name, partitions }: TopicDescription, nowMs: number): void {
    const head = partitions.reduce((sum, partition) => sum + partition.head, 0);
    const stored = partitions.reduce((sum, partition) => sum + partition.head - partition.tail, 0);
    const bytes = partitions.reduce((sum, partition) => sum + partition.bytes, 0);
    const row = this.#rows.get(name) ?? this.#addRow(name, head, nowMs);
    const rate = nowMs > row.seenMs ? (Math.max(0, head - row.head) / (nowMs - row.seenMs)) * 1000 : 0;
    row.head = head;
    row.seenMs = nowMs;
    const texts = [rateText(rate), countText(stored), countText(head), countText(partitions.length), sizeText(bytes)];
    texts.forEach((text, index) => {
      const cell = row.cells[index];
      if (cell !== undefined && cell.textContent !== text) cell.textContent = text;
    });
    row.cells[0]?.classList.toggle("busy", rate > 0);
  }

  /** The hub lists topics in the order of their names, so a new one goes where its name belongs. */
  #addRow(name: string, head: number, nowMs: number): Row {
    const row = make("tr", "");
    const title = make("td", "", name);
    title.title = name;
    const cells = Array.from({ length: 5 }, () => make("td", "number"));
    row.append(title, ...cells);
    const after = [...this.#rows.keys()].filter((other) => other > name).sort()[0];
    this.#body.insertBefore(row, after === undefined ? null : (this.#rows.get(after)?.row ?? null));
    const made = { row, cells, head, seenMs: nowMs };
    this.#rows.set(name, made);
    return made;
  }
}

function rateText(rate: number): string {
  return rate === 0 ? "–" : rate < 10 ? rate.toFixed(1) : countText(Math.round(rate));
}

/** `612 KiB` */
export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  for (; size >= 1024 && unit < SIZE_UNITS.length - 1; unit++) size /= 1024;
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${SIZE_UNITS[unit]}`;
}
