/** What typed topics accept and refuse. Compiled by the type check, never run. */
import { connect, type DataOf, type ErrorCode, type Message, type Subscription } from "@ringcast/client";

interface Quake {
  readonly magnitude: number;
}
interface ChatLine {
  readonly from: string;
  readonly text: string;
}
interface Topics {
  quakes: Quake;
  "chat.*": ChatLine;
  "logs.>": string;
  "logs.errors.fatal": Error;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** The type argument is the test; the values are there to be used. */
function is<Proof extends true>(...values: readonly unknown[]): [Proof?] {
  return values.length > 0 ? [] : [];
}

const hub = connect<Topics>("ws://127.0.0.1:7447");
const room: string = "lobby";

// A concrete name has its own type, or that of the pattern that matches it.
is<Equal<DataOf<Topics, "quakes">, Quake>>();
is<Equal<DataOf<Topics, "chat.lobby">, ChatLine>>();
is<Equal<DataOf<Topics, "logs.a.b.c">, string>>();
is<Equal<DataOf<Topics, "logs.errors.fatal">, Error>>();
is<Equal<DataOf<Topics, "chat.lobby.more">, never>>();
is<Equal<DataOf<Topics, "chat">, never>>();
// A pattern has the types of all that it can meet.
is<Equal<DataOf<Topics, "chat.*">, ChatLine>>();
is<Equal<DataOf<Topics, "*">, Quake>>();
is<Equal<DataOf<Topics, "logs.errors.*">, string | Error>>();
is<Equal<DataOf<Topics, ">">, Quake | ChatLine | string | Error>>();
is<Equal<DataOf<Topics, "*.lobby">, ChatLine | string>>();

// Publishing.
void hub.publish("quakes", { magnitude: 4.2 }, { key: "us" });
void hub.publish("chat.lobby", { from: "ana", text: "hi" });
void hub.publish(`chat.${room}`, { from: "ana", text: "hi" });
void hub.publishMany("quakes", [{ data: { magnitude: 1 }, key: "us" }]);
// @ts-expect-error: not a quake
void hub.publish("quakes", { from: "ana", text: "hi" });
// @ts-expect-error: a field is missing
void hub.publish("chat.lobby", { from: "ana" });
// @ts-expect-error: misspelt
void hub.publish("quake", { magnitude: 4.2 });
// @ts-expect-error: one level too many
void hub.publish("chat.lobby.more", { from: "ana", text: "hi" });
// @ts-expect-error: any text is no topic
void hub.publish(room, { from: "ana", text: "hi" });
// @ts-expect-error: a key is a text
void hub.publish("quakes", { magnitude: 4.2 }, { key: 1 });
// @ts-expect-error: the key belongs to each message
void hub.publishMany("quakes", [{ data: { magnitude: 1 } }], { key: "us" });

// Subscribing.
is<Equal<ReturnType<typeof subscribeQuakes>, Subscription<Quake>>>(subscribeQuakes);
function subscribeQuakes() {
  return hub.subscribe("quakes", { from: "earliest", window: 10, gaps: "reject" });
}
hub.subscribe("chat.*", {
  onMessage: (message) => is<Equal<typeof message, Message<ChatLine>>>(message),
});
void (async () => {
  for await (const message of hub.subscribe("chat.lobby")) {
    is<Equal<typeof message.data, ChatLine>>();
    hub.subscribe("chat.lobby", { from: message.position });
  }
  const page = await hub.history("quakes", { from: { last: 10 } });
  is<Equal<(typeof page.messages)[number]["data"], Quake>>(page);
  const stored = await hub.publish("quakes", { magnitude: 1 });
  is<Equal<typeof stored.offset, number>>(stored);
})();
hub.subscribe("quakes", { until: "head", filter: { keys: ["us"], headers: { type: ["a", "b"] } } });
// @ts-expect-error: an end is a place or a time
hub.subscribe("quakes", { until: "tail" });
// @ts-expect-error: a filter has lists
hub.subscribe("quakes", { filter: { keys: "us" } });
// @ts-expect-error: nothing that it can match
hub.subscribe("weather.*");
// @ts-expect-error: misspelt
hub.subscribe("quake");
// @ts-expect-error: no such start
hub.subscribe("quakes", { from: "newest" });

// States are a union of literals.
hub.on("state", ({ state }) => is<Equal<typeof state, "connecting" | "connected" | "reconnecting" | "closed">>(state));
hub.on("error", (error) => is<Equal<(typeof error)["code"], ErrorCode>>(error));
// @ts-expect-error: no such event
hub.on("statte", () => undefined);

// Without a type argument any name goes, and the data is unknown.
const untyped = connect("ws://127.0.0.1:7447");
void untyped.publish("anything.at.all", 1);
void (async () => {
  for await (const message of untyped.subscribe("anything.*")) {
    is<Equal<typeof message.data, unknown>>();
    // @ts-expect-error: unknown until it is checked
    is<true>(message.data.magnitude);
  }
})();

// A type with an index signature goes too.
const indexed = connect<Record<string, Quake>>(["ws://a", "ws://b"]);
void indexed.publish("anything", { magnitude: 1 });
// @ts-expect-error: not a quake
void indexed.publish("anything", "text");
