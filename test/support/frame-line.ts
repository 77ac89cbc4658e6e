/** Frames of one connection in line, and those who wait for them: what raw clients share, whatever their socket and their clock are. */
import type { AnyFrame } from "./frame-client.js";
import { within, type Within } from "./until.js";

export class FrameLine {
  readonly #within: Within;
  readonly #frames: AnyFrame[] = [];
  /** Everybody who waits for a frame; each looks again when one comes. */
  #waiting: (() => void)[] = [];
  #hasEnded = false;
  #lastId = 0;

  /** @param patience what bounds the waiting; by the real clock where it is left out */
  constructor(patience: Within = within) {
    this.#within = patience;
  }

  /** Frames that have arrived and were not taken yet. */
  get waiting(): readonly AnyFrame[] {
    return this.#frames;
  }

  /** A frame has come. */
  push(frame: AnyFrame): void {
    this.#frames.push(frame);
    this.#wakeAll();
  }

  /** The connection is gone: nothing comes any more. */
  end(): void {
    this.#hasEnded = true;
    this.#wakeAll();
  }

  /** The next frame, whatever it is. */
  async next(timeoutMs: number): Promise<AnyFrame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#hasEnded) throw new Error("The connection closed while a frame was expected");
      await this.#within("a frame", new Promise<void>((resolve) => this.#waiting.push(resolve)), timeoutMs);
    }
  }

  /** Sends what is made for a fresh id and takes the reply to it; other frames stay in line. */
  async exchange(send: (id: number) => void, timeoutMs: number): Promise<AnyFrame> {
    const id = ++this.#lastId;
    send(id);
    for (;;) {
      const at = this.#frames.findIndex((each) => each.id === id);
      if (at >= 0) return this.#frames.splice(at, 1)[0] as AnyFrame;
      if (this.#hasEnded) throw new Error(`The connection closed before the reply to request ${id}`);
      await this.#within("a reply", new Promise<void>((resolve) => this.#waiting.push(resolve)), timeoutMs);
    }
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
