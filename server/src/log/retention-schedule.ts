/**
 * Records of topics that nobody has asked for since the start expire, too: the catalogue knows when the first of them do, and they are asked for then.
 */
import { RingcastError } from "@ringcast/protocol";
import type { AgeClock, Runtime, Timer } from "../runtime/index.js";
import type { Catalogue } from "./catalogue/catalogue.js";

/** Topics opened in one turn because something of them is due. */
const PER_TURN = 16;
const NEXT_TURN_MS = 1;
/** What could not be let go is tried again so much later. */
const RETRY_MS = 1_000;
/** The clock of ages may go faster, or run back: it is looked at so often at least. */
const LONGEST_WAIT_MS = 60_000;

export class RetentionSchedule {
  readonly #runtime: Pick<Runtime, "setTimer">;
  readonly #ages: AgeClock;
  readonly #catalogue: Catalogue;
  readonly #expire: (name: string) => void;
  #timer: Timer | undefined;
  #plannedMs = Infinity;
  #isClosed = false;

  /** @param expire opens a topic, lets go what is due, and writes down when something is due again */
  constructor(
    runtime: Pick<Runtime, "setTimer">,
    ages: AgeClock,
    catalogue: Catalogue,
    expire: (name: string) => void,
  ) {
    this.#runtime = runtime;
    this.#ages = ages;
    this.#catalogue = catalogue;
    this.#expire = expire;
  }

  /** Looks what is due first. */
  start(): void {
    const first = this.#catalogue.expiries(1)[0];
    if (first !== undefined) this.noted(first.expiresMs);
  }

  /** Told that a topic was closed whose oldest record expires then. */
  noted(expiresMs: number): void {
    if (this.#isClosed || expiresMs >= this.#plannedMs) return;
    this.#timer?.cancel();
    this.#plannedMs = expiresMs;
    const delayMs = Math.min(LONGEST_WAIT_MS, Math.max(NEXT_TURN_MS, expiresMs - this.#ages.nowMs()));
    this.#timer = this.#runtime.setTimer(delayMs, () => this.#look());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #look(): void {
    this.#plannedMs = Infinity;
    try {
      this.#expireDue();
    } catch (error) {
      // The catalogue can't be written, e.g. on a full disk: nobody is there to be told, and the hub goes on.
      if (!(error instanceof RingcastError)) throw error;
      this.noted(this.#ages.nowMs() + RETRY_MS);
    }
  }

  #expireDue(): void {
    const nowMs = this.#ages.nowMs();
    const due = this.#catalogue.expiries(PER_TURN).filter(({ expiresMs }) => expiresMs <= nowMs);
    for (const { name } of due) this.#expire(name);
    const next = this.#catalogue.expiries(1)[0];
    if (next === undefined) return;
    const isStuck = next.expiresMs <= nowMs && due.some(({ name }) => name === next.name);
    this.noted(isStuck ? nowMs + RETRY_MS : next.expiresMs);
  }
}
