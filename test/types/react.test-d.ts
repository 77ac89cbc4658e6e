/** What the hooks for React accept and, marked so, refuse; checked by `tsc -p test`, never run. */
import { connect, type Message } from "@ringcast/client";
import { useConnectionState, useHub, useLatest, useTopic } from "@ringcast/client/react";

interface Topics {
  quakes: { mag: number };
  "chat.*": { text: string };
}

const hub = connect<Topics>("ws://127.0.0.1:7447");

/** The types are the test; the values are there to be used. */
function use(...values: readonly unknown[]): number {
  return values.length;
}

export function Component(): void {
  const quakes: readonly Message<{ mag: number }>[] = useTopic(hub, "quakes", {
    from: { last: 10 },
    limit: 10,
  }).messages;
  const line: string | undefined = useLatest(hub, "chat.lobby").message?.data.text;
  const all: readonly Message<{ text: string }>[] = useTopic(hub, "chat.*", { filter: { keys: ["a"] } }).messages;
  const { data } = useLatest(useHub<Topics>(), "quakes").message as Message<{ mag: number }>;
  const state: "connecting" | "connected" | "reconnecting" | "closed" = useConnectionState(hub).state;
  use(quakes, line, all, data.mag, state);
  // Nothing is read while there is no name yet.
  useTopic(hub, undefined);
  // @ts-expect-error a topic that isn't one of them
  useTopic(hub, "quake");
  // @ts-expect-error the data is no string
  const wrong: string | undefined = useLatest(hub, "quakes").message?.data;
  use(wrong);
  // @ts-expect-error a callback has no place in a hook
  useTopic(hub, "quakes", { onMessage: () => undefined });
}
