/**
 * The door for what keeps publishes beyond the life of a page. The core calls it; `@ringcast/client/persist` implements
 * it over IndexedDB.
 */
import type { PublishTarget } from "./producer.js";
import type { FrameData } from "./transport/port.js";

/**
 * A publish without an outcome, as it has to be sent again: the hub stores the same bytes under the same sequence once,
 * however often they come.
 */
export interface KeptPublish {
  readonly target: PublishTarget;
  /**
   * What the codec made of the user's part: text in the JSON dialect, bytes in the binary one. Hand it back to the same
   * dialect.
   */
  readonly body: FrameData;
  /** Producer id. */
  readonly producer: string;
  /** Set whenever it is kept; another one later where the hub has refused one before it. */
  readonly sequence: number | undefined;
}

/**
 * Two pages must not share one: each would give the other's sequences again. The objects handed over stand for the
 * publishes: they are the same ones each time.
 */
export interface Outbox {
  /**
   * Hands what earlier pages left to `restore`, in the order of the publishes. Called once; publishes wait for it. What
   * it throws, they reject with.
   *
   * @param restore takes a publish into its line, and returns the object that stands for it from now on. What another page
   * leaves later may be handed over later.
   */
  load(restore: (kept: KeptPublish) => KeptPublish): Promise<unknown>;
  /**
   * Writes a publish down, in place of what was written of it before. It is sent when the promise has settled, so not
   * before its sequence is safe (or can't be made so: tell the user), nor before those that were kept before it. Calls
   * aren't awaited one by one.
   */
  keep(publish: KeptPublish): Promise<unknown>;
  /** The hub has answered: it is stored, or refused for good. */
  drop(publish: KeptPublish): void;
}
