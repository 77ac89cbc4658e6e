/** What the player shows, on the page: map, lists, clock and numbers. */
import type { Message } from "@ringcast/client";
import type { Gap } from "@ringcast/protocol";
import { isQuake, type Quake } from "../quake.js";
import { byId, notify, setText } from "./dom.js";
import { countText, dateText, hourText } from "./moments.js";
import type { Integrity } from "./integrity.js";
import { QuakeLists } from "./quake-list.js";
import { QuakeMap } from "./quake-map.js";
import { Rate } from "./rate.js";

/** Replays that are remembered, so that a straggler of an older one doesn't wipe the map. */
const REPLAYS_REMEMBERED = 50;

export class RunView {
  readonly map = new QuakeMap();
  readonly #lists = new QuakeLists();
  readonly #rate = new Rate();
  readonly #clockTime = byId("clock-time", HTMLElement);
  readonly #clockDate = byId("clock-date", HTMLElement);
  readonly #onRun: (message: Message) => void;
  #replays = new Set<string>();
  #shown = 0;
  #others = 0;

  /** @param onRun called with the first message of a replay that the page has not seen yet; the picture begins with it */
  constructor(onRun: (message: Message) => void) {
    this.#onRun = onRun;
  }

  show(message: Message, { isFresh }: { isFresh: boolean }): void {
    this.#noteReplay(message);
    if (isFresh) this.#rate.add(performance.now());
    if (!isQuake(message.data)) {
      this.#others++;
      return;
    }
    this.#shown++;
    this.map.add(message.data, { ripple: isFresh });
    this.#lists.add(message.data, message.offset);
    this.#tellTime(message.data);
  }

  tellGap(gap: Gap): void {
    const text = gapText(gap);
    this.#lists.tell(text);
    notify(text, "warn");
  }

  clear(): void {
    this.#replays = new Set();
    this.#wipe();
  }

  /** Brings the numbers up to date. */
  tellNumbers(next: number | undefined, head: number | undefined, integrity: Integrity): void {
    const rate = this.#rate.perSecond(performance.now());
    setText(byId("rate", HTMLElement), rate < 10 ? rate.toFixed(1) : rate.toFixed(0));
    setText(byId("shown", HTMLElement), countText(this.#shown));
    setText(
      byId("shown-note", HTMLElement),
      this.#others === 0 ? "in this run" : `and ${countText(this.#others)} other messages`,
    );
    setText(byId("next-offset", HTMLElement), next === undefined ? "–" : countText(next));
    setText(byId("lag-note", HTMLElement), lagText(next, head));
    setText(byId("integrity", HTMLElement), `${countText(integrity.lost)} / ${countText(integrity.repeated)}`);
    const isSound = integrity.lost + integrity.repeated === 0;
    byId("integrity-tile", HTMLElement).dataset["kind"] = isSound ? "good" : "bad";
    const announced =
      integrity.announced === 0 ? "counted by offset" : `${countText(integrity.announced)} announced as gone`;
    setText(byId("integrity-note", HTMLElement), announced);
  }

  /** A run that was never seen wipes the map, so that the week begins on an empty one. */
  #noteReplay(message: Message): void {
    const replay = message.headers["replay"];
    if (replay === undefined || this.#replays.has(replay)) return;
    if (this.#replays.size >= REPLAYS_REMEMBERED) this.#replays = new Set();
    this.#replays.add(replay);
    if (this.#shown === 0) return;
    this.#wipe();
    this.#onRun(message);
  }

  #wipe(): void {
    this.map.clear();
    this.#lists.clear();
    this.#shown = 0;
    this.#others = 0;
    setText(this.#clockTime, "–");
    setText(this.#clockDate, "waiting for the first quake");
  }

  #tellTime(quake: Quake): void {
    setText(this.#clockTime, hourText(quake.time));
    setText(this.#clockDate, dateText(quake.time));
  }
}

function lagText(next: number | undefined, head: number | undefined): string {
  if (next === undefined || head === undefined) return "the topic is empty";
  return next >= head ? "at the log's head" : `${countText(head - next)} behind the head`;
}

function gapText({ reason, from, to }: Gap): string {
  switch (reason) {
    case "retention":
      return `${countText(to - from + 1)} records were overwritten before this page read them.`;
    case "corrupt":
      return `${countText(to - from + 1)} records are damaged on disk and were left out.`;
    case "epoch":
      return "The log is another one than before; the page begins anew.";
    case "deleted":
      return "The topic was deleted; the page waits for a new one.";
  }
}
