/** The line over the log's time: bars for what was stored (in colour where a quake was strong), and a slider to go back to any moment of it. */
import { byId, fitCanvas, oncePerFrame, setText, styleValue } from "./dom.js";
import { magnitudeClass } from "./magnitude.js";
import { clockText, logText } from "./moments.js";
import type { Timeline } from "./timeline.js";

const COLUMN_WIDTH = 4;
/** The last stretch of the line that counts as "now": going there means going live. */
const LIVE_PART = 0.995;
/** Width of the slider's thumb, whose middle is at the value. */
const THUMB_WIDTH = 12;

export class Scrubber {
  readonly #canvas = byId("bars", HTMLCanvasElement);
  readonly #slider = byId("scrubber", HTMLInputElement);
  readonly #moment = byId("moment", HTMLElement);
  readonly #firstMoment = byId("first-moment", HTMLElement);
  readonly #timeline: Timeline;
  #isDragged = false;

  /**
   * @param seek called with the moment of the log that was chosen; undefined for the line's end, the present
   */
  constructor(timeline: Timeline, seek: (timeMs: number | undefined) => void) {
    this.#timeline = timeline;
    const redraw = oncePerFrame(() => this.#drawBars(Date.now()));
    new ResizeObserver(redraw).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    this.#slider.addEventListener("input", () => {
      this.#isDragged = true;
      this.#tellChoice();
    });
    this.#slider.addEventListener("change", () => {
      this.#isDragged = false;
      const isNow = this.#slider.valueAsNumber >= Number(this.#slider.max) * LIVE_PART;
      seek(isNow ? undefined : this.#timeline.momentAt(this.#slider.valueAsNumber)?.timeMs);
    });
    this.#slider.addEventListener("keydown", (event) => this.#stepBy(event));
  }

  /** Draws the line up to now. `playedMs` is when the record shown last was stored; undefined while the page is live. */
  show(nowMs: number, playedMs: number | undefined): void {
    this.#drawBars(nowMs);
    const first = this.#timeline.firstTimestamp;
    setText(this.#firstMoment, first === undefined ? "" : logText(first));
    if (this.#isDragged) return;
    const length = this.#timeline.lengthAt(nowMs);
    this.#slider.max = `${Math.max(1, length)}`;
    this.#slider.value = `${playedMs === undefined ? Math.max(1, length) : this.#timeline.placeOf(playedMs)}`;
    this.#tellPlayed(playedMs);
  }

  #drawBars(nowMs: number): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (width === 0) return;
    const context = fitCanvas(this.#canvas, width, height);
    const inner = width - THUMB_WIDTH;
    const columns = this.#timeline.columns(Math.floor(inner / COLUMN_WIDTH), this.#timeline.lengthAt(nowMs));
    const most = Math.max(4, ...columns.map((column) => column.count));
    context.fillStyle = styleValue("--line");
    context.fillRect(THUMB_WIDTH / 2, height - 1, inner, 1);
    const colours = ["--bar", "--bar", "--bar", "--m3", "--m4"].map(styleValue);
    columns.forEach(({ count, magnitude }, index) => {
      if (count === 0) return;
      const bar = Math.max(2, Math.sqrt(count / most) * (height - 4));
      context.fillStyle = colours[magnitudeClass(magnitude)] ?? "";
      context.fillRect(THUMB_WIDTH / 2 + index * COLUMN_WIDTH, height - 1 - bar, COLUMN_WIDTH - 1, bar);
    });
  }

  #tellChoice(): void {
    const chosen = this.#timeline.momentAt(this.#slider.valueAsNumber);
    if (chosen === undefined) return;
    this.#tell(`Play from ${logText(chosen.timeMs)}`, chosen.mark.quakeTime);
  }

  #tellPlayed(playedMs: number | undefined): void {
    if (this.#timeline.size === 0) {
      setText(this.#moment, "The log is empty.");
      return;
    }
    if (playedMs === undefined) {
      this.#tell("At the head of the log", undefined);
      return;
    }
    this.#tell(
      `Stored at ${logText(playedMs)}`,
      this.#timeline.momentAt(this.#timeline.placeOf(playedMs))?.mark.quakeTime,
    );
  }

  #tell(text: string, quakeTime: number | undefined): void {
    const full = quakeTime === undefined ? text : `${text} · quakes of ${clockText(quakeTime)}`;
    setText(this.#moment, full);
    if (this.#slider.getAttribute("aria-valuetext") !== full) this.#slider.setAttribute("aria-valuetext", full);
  }

  /** Arrow keys move by one in a hundred of the line; the browser's own step would be too fine. */
  #stepBy(event: KeyboardEvent): void {
    const directions: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowDown: -1,
      ArrowRight: 1,
      ArrowUp: 1,
      PageDown: -10,
      PageUp: 10,
    };
    const direction = directions[event.key];
    if (direction === undefined) return;
    event.preventDefault();
    this.#slider.valueAsNumber += (direction * Number(this.#slider.max)) / 100;
    this.#slider.dispatchEvent(new Event("change"));
  }
}
