/** The two lists: the strongest quakes of the run, and the latest ones with what was told in between. */
import type { Quake } from "../quake.js";
import { byId, make, oncePerFrame } from "./dom.js";
import { magnitudeClass, magnitudeText } from "./magnitude.js";
import { clockText } from "./moments.js";

interface Entry {
  readonly quake: Quake;
  readonly offset: number;
}

const LATEST_SHOWN = 60;
const STRONGEST_SHOWN = 4;

export class QuakeLists {
  readonly #latestList = byId("latest", HTMLElement);
  readonly #strongestList = byId("strongest", HTMLElement);
  readonly #show = oncePerFrame(() => this.#draw());
  #strongest: Entry[] = [];
  #strongestChanged = true;
  /** Rows that are not shown yet, oldest first. */
  #waiting: (Entry | string)[] = [];

  constructor() {
    this.clear();
  }

  add(quake: Quake, offset: number): void {
    this.#push({ quake, offset });
    const last = this.#strongest.at(-1);
    if (last !== undefined && this.#strongest.length >= STRONGEST_SHOWN && quake.magnitude <= last.quake.magnitude)
      return;
    this.#strongest = [...this.#strongest.filter((entry) => entry.quake.id !== quake.id), { quake, offset }]
      .sort((a, b) => b.quake.magnitude - a.quake.magnitude)
      .slice(0, STRONGEST_SHOWN);
    this.#strongestChanged = true;
  }

  /** A line among the latest that tells of something other than a quake. */
  tell(text: string): void {
    this.#push(text);
  }

  clear(): void {
    this.#strongest = [];
    this.#strongestChanged = true;
    this.#waiting = [];
    this.#latestList.replaceChildren(make("li", "word", "The first quakes appear here in a moment."));
    this.#show();
  }

  #push(row: Entry | string): void {
    this.#waiting.push(row);
    if (this.#waiting.length > LATEST_SHOWN) this.#waiting.shift();
    this.#show();
  }

  #draw(): void {
    if (this.#strongestChanged) this.#strongestList.replaceChildren(...this.#strongest.map(toRow));
    this.#strongestChanged = false;
    if (this.#waiting.length === 0) return;
    const isReading = this.#latestList.scrollTop > 4;
    const heightBefore = this.#latestList.scrollHeight;
    const rows = this.#waiting.map((row) => (typeof row === "string" ? make("li", "word gap", row) : toRow(row)));
    this.#latestList.querySelector(".word:not(.gap)")?.remove();
    this.#latestList.prepend(...rows.reverse());
    this.#waiting = [];
    // Who has scrolled down to read keeps the lines before his eyes, until they leave the list.
    if (isReading) this.#latestList.scrollTop += this.#latestList.scrollHeight - heightBefore;
    while (this.#latestList.childElementCount > LATEST_SHOWN) this.#latestList.lastElementChild?.remove();
  }
}

function toRow({ quake, offset }: Entry): HTMLElement {
  const row = make("li", "");
  row.dataset["class"] = `${magnitudeClass(quake.magnitude)}`;
  row.dataset["offset"] = `${offset}`;
  const kind = quake.type === "earthquake" ? "" : ` · ${quake.type}`;
  const place = make("span", "place", quake.place);
  place.title = quake.place;
  row.append(
    make("span", "magnitude", magnitudeText(quake.magnitude)),
    place,
    make("span", "when", `${clockText(quake.time)} · offset ${offset}${kind}`),
  );
  return row;
}
