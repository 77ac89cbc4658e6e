/**
 * Thousands of subscribers of one topic that come back at once, at the position where they stood, whenever their connection breaks.
 *
 *   node --import tsx test/support/readers/reconnecting.ts <port> <topic> <subscribers>
 *
 * Commands on standard input, one a line: `cut` resets all connections; `reach <offset>` asks to be told when all have got there. Lines on standard output
 * are {@link ReconnectingEvent}s. Ends with its standard input.
 */
import { createInterface } from "node:readline";
import { RawSubscriber, type RawPosition } from "../raw-subscriber.js";

/** Times are milliseconds; the moments on a clock that all processes share. */
export type ReconnectingEvent =
  | { readonly type: "subscribed" }
  /** All that had lost their connection have what they missed; how long each of them took. */
  | {
      readonly type: "resumed";
      readonly lostAt: number;
      readonly resumedAt: number;
      readonly tookMs: readonly number[];
    }
  /** `gaps` and `breaks` of all, since the start. */
  | { readonly type: "reached"; readonly offset: number; readonly gaps: number; readonly breaks: number };

const [port = "", topic = "", count = ""] = process.argv.slice(2);
/** Dials at the same time, at the beginning. */
const DIALS = 100;
/** Thousands that dial without a pause would take the processor from the hub that starts. */
const RETRY_MS = { least: 50, more: 100 };

const readers: Reader[] = [];
let lostAt = 0;
let tookMs: number[] = [];
let lost = 0;
let target = Infinity;
let behind = 0;

class Reader {
  #subscriber: RawSubscriber | undefined;
  #position: RawPosition | undefined;
  /** Since when it lacks something; 0: it doesn't. */
  #lostAt = 0;
  #isBehind = false;
  /** Of connections that are gone. */
  #gaps = 0;
  #breaks = 0;

  async dial(): Promise<void> {
    let subscriber: RawSubscriber | undefined;
    while (subscriber === undefined) {
      subscriber = await RawSubscriber.subscribe(Number(port), topic, this.#position).catch(() => undefined);
      if (subscriber === undefined)
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS.least + Math.random() * RETRY_MS.more));
    }
    this.#take(subscriber);
  }

  cut(): void {
    this.#subscriber?.cut();
  }

  /** @returns whether it is behind the target */
  aim(): boolean {
    this.#isBehind = (this.#subscriber?.next ?? 0) < target;
    return this.#isBehind;
  }

  /** With those of the connection that stands. */
  flaws(): { gaps: number; breaks: number } {
    const { gaps = 0, breaks = 0 } = this.#subscriber ?? {};
    return { gaps: this.#gaps + gaps, breaks: this.#breaks + breaks };
  }

  #take(subscriber: RawSubscriber): void {
    this.#subscriber = subscriber;
    // The hub goes on at exactly the position, or announces a gap.
    if (this.#position !== undefined && subscriber.begin !== this.#position.offset) this.#breaks++;
    subscriber.onDelivery = () => this.#look(subscriber);
    subscriber.onLost = () => this.#lose(subscriber);
    this.#look(subscriber);
  }

  #look({ next, head }: RawSubscriber): void {
    if (this.#lostAt > 0 && next >= head) {
      tookMs.push(now() - this.#lostAt);
      this.#lostAt = 0;
      if (--lost === 0) tellResumed();
    }
    if (!this.#isBehind || next < target) return;
    this.#isBehind = false;
    if (--behind === 0) tellReached();
  }

  #lose({ epoch, next, gaps, breaks }: RawSubscriber): void {
    this.#gaps += gaps;
    this.#breaks += breaks;
    this.#position = { epoch, offset: next };
    this.#subscriber = undefined;
    if (this.#lostAt === 0) {
      this.#lostAt = now();
      if (lost++ === 0) lostAt = this.#lostAt;
    }
    void this.dial();
  }
}

function tellResumed(): void {
  tell({ type: "resumed", lostAt, resumedAt: now(), tookMs });
  tookMs = [];
}

function tellReached(): void {
  const flaws = readers.map((reader) => reader.flaws());
  const [gaps, breaks] = [sumOf(flaws.map((each) => each.gaps)), sumOf(flaws.map((each) => each.breaks))];
  tell({ type: "reached", offset: target, gaps, breaks });
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function tell(event: ReconnectingEvent): void {
  console.log(JSON.stringify(event));
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

createInterface(process.stdin)
  .on("line", (line) => {
    const [command, argument] = line.split(" ");
    if (command === "cut") for (const reader of readers) reader.cut();
    if (command !== "reach") return;
    target = Number(argument);
    behind = readers.filter((reader) => reader.aim()).length;
    if (behind === 0) tellReached();
  })
  .on("close", () => process.exit());

while (readers.length < Number(count)) {
  const some = Array.from({ length: Math.min(DIALS, Number(count) - readers.length) }, () => new Reader());
  readers.push(...some);
  await Promise.all(some.map((reader) => reader.dial()));
}
tell({ type: "subscribed" });
