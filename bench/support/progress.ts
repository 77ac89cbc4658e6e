/** A line on standard error that says how far it is; where that is no terminal, one line for each row. */

const BAR_WIDTH = 24;
const CLEAR_LINE = "\r\u001b[2K";
const DEFAULT_COLUMNS = 80;

export class Progress {
  readonly #total: number;
  readonly #beganMs = performance.now();
  #done = 0;
  #row = "";

  /** @param total turns of all servers in all rows */
  constructor(total: number) {
    this.#total = total;
  }

  /** Says which row begins. */
  row(title: string): void {
    this.#row = title;
    if (!process.stderr.isTTY) process.stderr.write(`[${this.#done}/${this.#total}] ${title}\n`);
  }

  /** Says what is being done in this row. */
  step(text: string): void {
    if (!process.stderr.isTTY) return;
    const share = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total);
    const filled = Math.round(share * BAR_WIDTH);
    const drawn = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${Math.floor(share * 100)} %${this.#left()}`;
    const line = `${drawn} · ${this.#row} · ${text}`;
    process.stderr.write(CLEAR_LINE + line.slice(0, (process.stderr.columns || DEFAULT_COLUMNS) - 1));
  }

  /** Counts turns. */
  done(turns = 1): void {
    this.#done += turns;
  }

  /** Says something that stays. */
  say(text: string): void {
    process.stderr.write(`${process.stderr.isTTY ? CLEAR_LINE : ""}${text}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
  }

  #left(): string {
    if (this.#done === 0) return "";
    const seconds = ((performance.now() - this.#beganMs) / 1_000 / this.#done) * (this.#total - this.#done);
    return seconds < 90 ? `, ${Math.ceil(seconds)} s left` : `, ${Math.ceil(seconds / 60)} min left`;
  }
}
