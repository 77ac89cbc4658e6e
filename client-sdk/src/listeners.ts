/**
 * Listeners by event. What one of them throws reaches neither the others nor us: it is thrown where nobody catches it.
 */
export interface Listeners<Events> {
  /** @returns ends it */
  readonly on: <Event extends keyof Events>(event: Event, listener: (value: Events[Event]) => void) => () => void;
  readonly tell: <Event extends keyof Events>(event: Event, value: Events[Event]) => void;
}

/** Nobody listens at first. */
export function createListeners<Events>(): Listeners<Events> {
  const all = new Set<readonly [event: unknown, listener: (value: never) => unknown]>();
  return {
    on: (event, listener) => {
      const entry = [event, listener] as const;
      all.add(entry);
      return () => void all.delete(entry);
    },
    tell: (event, value) => {
      for (const [name, listener] of all) {
        // A rejection that nobody handles, where the listener throws.
        if (name === event) void new Promise((resolve) => resolve(listener(value as never)));
      }
    },
  };
}
