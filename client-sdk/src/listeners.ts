/** Listeners by event. What one of them throws reaches neither the others nor us: it is thrown where nobody catches it. */
export interface Listeners<Events> {
  /** @returns ends it */
  readonly on: <Event extends keyof Events>(event: Event, listener: (value: Events[Event]) => void) => () => void;
  readonly tell: <Event extends keyof Events>(event: Event, value: Events[Event]) => void;
}

interface Listener {
  readonly event: unknown;
  readonly listener: (value: never) => unknown;
}

/** Nobody listens at first. */
export function createListeners<Events>(): Listeners<Events> {
  const all = new Set<Listener>();
  return {
    on: (event, listener) => {
      const entry = { event, listener };
      all.add(entry);
      return () => void all.delete(entry);
    },
    tell: (event, value) => {
      for (const entry of all) {
        // A rejection that nobody handles, where the listener throws.
        if (entry.event === event) void new Promise((resolve) => resolve(entry.listener(value as never)));
      }
    },
  };
}
