import { asRingcastError } from "./errors.js";

/** Listeners by event. What one of them throws reaches neither the others nor us: it is thrown where nobody catches it. */
export class Listeners<Events> {
  readonly #all = new Map<keyof Events, Set<(value: never) => void>>();

  /** @returns ends it */
  add<Event extends keyof Events>(event: Event, listener: (value: Events[Event]) => void): () => void {
    const listeners = this.#all.get(event) ?? new Set();
    this.#all.set(event, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  tell<Event extends keyof Events>(event: Event, value: Events[Event]): void {
    for (const listener of this.#all.get(event) ?? []) {
      try {
        (listener as (value: Events[Event]) => void)(value);
      } catch (error) {
        void Promise.reject(asRingcastError(error));
      }
    }
  }
}
