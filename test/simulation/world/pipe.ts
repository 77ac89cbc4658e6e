/** One direction of a connection: parcels arrive in order, after the time that the weather gives them; or wait, or are lost. */
import type { Random } from "../../support/random.js";
import type { Host, Scheduler } from "./scheduler.js";

/** What is done to everything that passes. */
export interface Weather {
  /** The shortest way takes so long. */
  latencyMs: number;
  /** So much may come on top. */
  jitterMs: number;
  /** Infinity: as many as there are. */
  bytesPerMs: number;
}

export interface PipeOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  /** Whoever sends. */
  readonly from: Host;
  /** Whoever gets what arrives. */
  readonly to: Host;
  /** Bytes that the sender's kernel takes before they leave. */
  readonly kernelBytes: number;
}

interface Parcel {
  readonly bytes: number;
  readonly arrive: () => void;
}

export class Pipe {
  /** The sender's kernel has taken everything; set by whoever was told that it hadn't. */
  onTaken: (() => void) | undefined;
  readonly #options: PipeOptions;
  /** Not under way yet. */
  #waiting: Parcel[] = [];
  #waitingBytes = 0;
  /** Under way; each with the time of its arrival. */
  #underWay: (Parcel & { readonly atMs: number })[] = [];
  #holds = 0;
  #isLost = false;
  #isLeaving = false;
  #isArriving = false;
  #lastArrivalMs = 0;

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  /** Bytes that the sender's kernel hasn't taken yet. */
  get untakenBytes(): number {
    return Math.max(0, this.#waitingBytes - this.#options.kernelBytes);
  }

  /** @param arrive runs at the receiver's */
  push(bytes: number, arrive: () => void): void {
    this.#waiting.push({ bytes, arrive });
    this.#waitingBytes += bytes;
    this.#leave();
  }

  /** Nothing leaves any more, until as many releases. */
  hold(): void {
    this.#holds++;
  }

  release(): void {
    this.#holds--;
    this.#leave();
  }

  /** Whatever is sent, and is under way, never arrives. Nobody hears of it. */
  lose(): void {
    this.#isLost = true;
    this.#underWay = [];
  }

  /** The sender is gone: what hasn't left doesn't. */
  dropWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.onTaken = undefined;
  }

  #leave(): void {
    const { scheduler, weather } = this.#options;
    while (!this.#isLeaving && this.#holds === 0) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const tookMs = first.bytes / weather.bytesPerMs;
      if (tookMs < 1) this.#sendFirst();
      else {
        this.#isLeaving = true;
        // The kernel sends, whatever the process does.
        scheduler.schedule(tookMs, undefined, () => {
          this.#isLeaving = false;
          if (this.#waiting[0] === first && this.#holds === 0) this.#sendFirst();
          this.#leave();
        });
      }
    }
  }

  #sendFirst(): void {
    const { scheduler, weather, random, from } = this.#options;
    const parcel = this.#waiting.shift() as Parcel;
    this.#waitingBytes -= parcel.bytes;
    const atMs = Math.max(
      this.#lastArrivalMs,
      scheduler.nowMs + weather.latencyMs + random.below(weather.jitterMs + 1),
    );
    this.#lastArrivalMs = atMs;
    if (!this.#isLost) {
      this.#underWay.push({ ...parcel, atMs });
      this.#arriveNext();
    }
    if (this.onTaken === undefined || this.untakenBytes > 0) return;
    scheduler.schedule(0, from, this.onTaken);
    this.onTaken = undefined;
  }

  /** Each has an event of its own: the receiver may have others between them. */
  #arriveNext(): void {
    const { scheduler, to } = this.#options;
    const [first] = this.#underWay;
    if (this.#isArriving || first === undefined) return;
    this.#isArriving = true;
    scheduler.schedule(first.atMs - scheduler.nowMs, to, () => {
      this.#isArriving = false;
      // Otherwise it was lost meanwhile.
      if (this.#underWay[0] === first) {
        this.#underWay.shift();
        first.arrive();
      }
      this.#arriveNext();
    });
  }
}
