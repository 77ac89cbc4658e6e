/**
 * The topics that somebody asked for, in memory. What isn't asked for any more is let go again, a few at a time and never all at once, so that memory
 * follows use: a clock goes round, and whoever was not used since it came by the last time goes.
 */
import type { Runtime, Timer } from "../runtime/index.js";
import type { Topic } from "./topic.js";

/** So many stay, used or not. */
const ALWAYS_KEPT = 1_024;
/** Beyond so many, each new one has the clock go on at once. */
const MANY_TOPICS = 16_384;
/** The clock goes round in so many steps at least. */
const STEPS = 16;
const STEP_MS = 1_000;
/** Topics looked at in one step: some milliseconds where all of them go. */
const MAX_LOOKS = 512;
/** Looks for each new topic where there are many. */
const LOOKS_PER_NEW = 2;

export class TopicCache {
  readonly #runtime: Runtime;
  readonly #letGo: (topic: Topic) => void;
  readonly #topics = new Map<string, Topic>();
  /** Where the clock stands. Kept: a new iterator would walk over every place that was left since the map was last made anew. */
  #hand: Iterator<Topic> = this.#topics.values();
  #timer: Timer | undefined;
  /** Looks that topics added in this turn ask for. */
  #owedLooks = 0;
  #isClosed = false;

  /** @param letGo asked to let an unused topic go; calls {@link delete} if it could */
  constructor(runtime: Runtime, letGo: (topic: Topic) => void) {
    this.#runtime = runtime;
    this.#letGo = letGo;
  }

  get size(): number {
    return this.#topics.size;
  }

  get(name: string): Topic | undefined {
    const topic = this.#topics.get(name);
    if (topic !== undefined) topic.isUsed = true;
    return topic;
  }

  has(topic: Topic): boolean {
    return this.#topics.get(topic.name) === topic;
  }

  add(topic: Topic): void {
    this.#topics.set(topic.name, topic);
    if (this.#topics.size > MANY_TOPICS) this.#hasten();
    this.#wait();
  }

  delete(name: string): void {
    this.#topics.delete(name);
  }

  values(): Iterable<Topic> {
    return this.#topics.values();
  }

  /** Lets nothing go from now on. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#topics.size <= ALWAYS_KEPT) return;
    this.#timer = this.#runtime.setTimer(STEP_MS, () => {
      this.#timer = undefined;
      this.#goOn(Math.min(MAX_LOOKS, Math.ceil(this.#topics.size / STEPS)));
      this.#wait();
    });
  }

  /** At the end of the turn: until then somebody may be about to use what was asked for in it. */
  #hasten(): void {
    this.#owedLooks += LOOKS_PER_NEW;
    if (this.#owedLooks > LOOKS_PER_NEW) return;
    this.#runtime.endOfTurn(() => {
      const looks = Math.min(MAX_LOOKS, this.#owedLooks);
      this.#owedLooks = 0;
      if (!this.#isClosed) this.#goOn(looks);
    });
  }

  #goOn(looks: number): void {
    for (; looks > 0 && this.#topics.size > ALWAYS_KEPT; looks--) {
      let next = this.#hand.next();
      if (next.done === true) {
        this.#hand = this.#topics.values();
        next = this.#hand.next();
      }
      const topic = next.value as Topic;
      if (topic.isUsed) topic.isUsed = false;
      else this.#letGo(topic);
    }
  }
}
