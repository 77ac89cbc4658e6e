/** A bar on standard error for work that takes a while. */
import type { Terminal } from "./terminal.js";

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
const COUNT = new Intl.NumberFormat("en-GB");

/** `1,707` */
export function countText(count: number): string {
  return COUNT.format(count);
}

export class Progress {
  readonly #terminal: Terminal;
  readonly #unit: string;
  readonly #startedMs = performance.now();
  #drawnMs = -Infinity;

  /** @param unit what is counted, e.g. `messages` */
  constructor(terminal: Terminal, unit: string) {
    this.#terminal = terminal;
    this.#unit = unit;
  }

  /**
   * Draws the bar, at most ten times a second.
   *
   * @param count how many are done
   * @param part  0 to 1, how much of the work that is; undefined where nobody knows
   */
  update(count: number, part: number | undefined): void {
    const nowMs = performance.now();
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#terminal.draw(this.#line(count, part));
  }

  /** Takes the bar away. */
  end(): void {
    this.#terminal.draw("");
  }

  /** Seconds since the start. */
  seconds(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }

  #line(count: number, part: number | undefined): string {
    const rate = count / Math.max(0.001, this.seconds());
    const text = `${countText(count)} ${this.#unit} · ${countText(Math.round(rate))} a second`;
    if (part === undefined) return text.slice(0, this.#terminal.columns - 1);
    const filled = Math.round(Math.min(1, Math.max(0, part)) * BAR_WIDTH);
    const percent = `${Math.floor(Math.min(1, part) * 100)}`.padStart(3);
    const line = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${percent} % · ${text}`;
    return line.slice(0, this.#terminal.columns - 1);
  }
}
