/** A hook that tells whether the hub is there. */
import { useSyncExternalStore } from "react";
import type { Hub } from "../client.js";
import type { StateChange } from "../options.js";

interface StateStore {
  readonly listen: (listener: () => void) => () => void;
  readonly current: () => StateChange;
}

/** One for each hub: the reason of the last change is told once, and components come later. */
const stores = new WeakMap<object, StateStore>();

/** State of the connection and, where it was lost, refused or could not be made, why. Renders again when it changes. */
export function useConnectionState<Topics>(hub: Hub<Topics>): StateChange {
  const { listen, current } = storeOf(hub);
  return useSyncExternalStore(listen, current, () => CONNECTING);
}

const CONNECTING: StateChange = { state: "connecting", reason: undefined };

function storeOf<Topics>(hub: Hub<Topics>): StateStore {
  const known = stores.get(hub);
  if (known !== undefined) return known;
  const listeners = new Set<() => void>();
  let change: StateChange = { state: hub.state, reason: undefined };
  // Never ended: hub and store go together.
  hub.on("state", (next) => {
    change = next;
    for (const listener of listeners) listener();
  });
  const store: StateStore = {
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    current: () => change,
  };
  stores.set(hub, store);
  return store;
}
