/** T: names of topics and patterns that nobody in his right mind gives, at every door that takes a name. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { publishFrame } from "../../support/batch-frame.js";
import { ask, askJson } from "../../support/http-request.js";
import { JsonClient } from "../../support/json-client.js";
import type { HostileCase, Outcome } from "../case.js";
import { numbered, TOPIC, type RequestCase } from "../session.js";

type Entry = Omit<RequestCase, "id">;

/** Few enough to be passed in a test, beside the bystander's. */
export const MAX_TOPICS = 12;

/** What a path may have in all. */
const LONGEST_PATH = 2_048;

const pathOf = (name: string): string => `/v1/topics/${encodeURIComponent(name)}`;
const shortened = (name: string): string => JSON.stringify(name).slice(0, 24);

/** Where a topic is published to. */
function publishing(name: string, outcome: Outcome): Entry[] {
  const title = shortened(name);
  const path = `${pathOf(name)}/messages`;
  const isTooLong = path.length > LONGEST_PATH;
  const publish: Entry = {
    title: `publish to ${title}`,
    outcome,
    request: { op: "publish", topic: name, data: 1 },
    http: isTooLong ? { path, method: "POST", outcome: "H400 bad_request" } : true,
  };
  const frame = { id: 7, topic: name, records: [{ data: "1" }] };
  if (Buffer.byteLength(name) > 255) return [publish];
  return [publish, { title: `a batch frame to ${title}`, outcome, msgpack: publishFrame(frame) }];
}

/** Where it is made, configured and deleted. */
function managing(name: string, outcome: Outcome): Entry[] {
  return ["PUT", "DELETE"].map((method) => ({
    title: `${method} ${shortened(name)}`,
    outcome,
    http: { path: pathOf(name), method },
  }));
}

/** Where it is read. */
function reading(name: string, outcome: Outcome): Entry[] {
  const path = pathOf(name);
  return [
    { op: "subscribe", http: { path: `${path}/events` } },
    { op: "history", from: "earliest", http: { path: `${path}/messages` } },
    { op: "topic", http: { path } },
  ].map(({ http, ...request }) => ({
    title: `${request.op} of ${shortened(name)}`,
    outcome,
    request: { ...request, topic: name },
    http,
  }));
}

/** Names that are refused wherever one is given: all doors judge by the same function, so the first of them tries every door. */
function invalid(first: string, ...others: string[]): Entry[] {
  const outcome = "E invalid_topic";
  const everywhere = [...managing(first, outcome), ...reading(first, outcome)];
  return [...everywhere, ...[first, ...others].flatMap((name) => publishing(name, outcome))];
}

function foreign(name: string): Entry[] {
  return [...publishing(name, "E forbidden"), ...managing(name, "E forbidden")];
}

const badPattern = (...patterns: string[]): Entry[] =>
  patterns.map((pattern) => ({
    title: `subscribe to the pattern ${shortened(pattern)}`,
    outcome: "E invalid_topic",
    request: { op: "subscribe", pattern },
  }));
/** A name that is no more than unusual. */
const taken = (...names: string[]): Entry[] =>
  names.map((name) => ({
    title: `publish to ${shortened(name)}`,
    outcome: "ok",
    request: { op: "publish", topic: name, data: 1 },
    http: true,
  }));

const LONGEST = "é".repeat(127);

export const TOPICS: readonly RequestCase[] = [
  ...numbered("T1", [
    ...invalid("", "a".repeat(256), `${LONGEST}é`, "a".repeat(10_000)),
    ...taken("a".repeat(255), LONGEST),
  ]),
  ...numbered("T2", invalid(".", "..", ".a", "a.", "a..b")),
  ...numbered("T3", [
    ...invalid("a/b", "a\\b", "../../etc/passwd", "%2e%2e%2f", "C:\\", "a b", "a,b", "a#b", "a?b"),
    ...taken("CON", "nul", "C:", "aux.txt", "-rf", "__proto__"),
  ]),
  ...numbered("T4", invalid("a\u0000b", "a\nb", "a\rb", "a\tb", "a\u0085b", "a\u2028b", "a\u001b[31mb", "\u007f")),
  ...numbered("T5", invalid("a\u202eb", "a\u200bb", "a\u200db", "\u0301", "a.\u0301b", "\ufeffa", "a\u{e0041}", "😀")),
  ...numbered("T9", [...foreign("$hub.connections"), ...foreign("$x"), ...invalid("$", "$$x", "$.a", "a.$x")]),
  ...numbered("T10", invalid("*", ">", "a.*", "a.>", "*.a")),
  ...numbered("T11", [
    ...badPattern(
      "a.>.b",
      "a*",
      "*a",
      "**",
      ">>",
      "*.",
      ".*",
      ">.a",
      "",
      "a..>",
      "a.> ",
      "$*",
      "$>",
      "a.$x",
      "*".repeat(256),
    ),
    {
      title: "a topic and a pattern at once",
      outcome: "E bad_request",
      request: { op: "subscribe", topic: "a", pattern: "a.*" },
    },
    { title: "neither topic nor pattern", outcome: "E bad_request", request: { op: "subscribe" } },
    ...[1, null, ["*"]].map((pattern) => ({
      title: `the pattern ${JSON.stringify(pattern)}`,
      outcome: "E bad_request" as const,
      request: { op: "subscribe", pattern },
    })),
  ]),
  ...numbered("T12", [
    {
      title: "a pattern of 1,000 levels",
      outcome: "E invalid_topic",
      request: { op: "subscribe", pattern: Array(1_000).fill("*").join(".") },
    },
    {
      title: "a pattern of 128 levels",
      outcome: "ok",
      request: { op: "subscribe", pattern: Array(128).fill("*").join(".") },
      reply: { op: "subscribed" },
    },
  ]),
  ...numbered("T14", [
    {
      title: "one topic more than there may be",
      outcome: "E too_many",
      request: async (client) => {
        const publish = (n: number): object => ({ op: "publish", topic: `many.${n}`, data: 1 });
        for (let n = 1; n < MAX_TOPICS; n++) await client.request(publish(n));
        return publish(MAX_TOPICS) as Record<string, unknown>;
      },
      details: { limit: MAX_TOPICS },
    },
  ]),
];

/** Names that look alike or meet on other systems, each with a record of its own; what is written about them on the disk. */
export const TOPIC_STORIES: readonly HostileCase[] = [
  {
    id: "T6",
    title: "é in one code point and in two, a Cyrillic а beside a Latin one: topics of their own",
    outcome: "ok",
    meet: ({ hub }) => keptApart(hub, ["caf\u00e9", "cafe\u0301", "a", "\u0430"]),
  },
  {
    id: "T7",
    title: "names that differ by case, or by what file names escape: files of their own",
    outcome: "ok",
    meet: async (scene) => {
      const names = ["A", "a", "_41", "41", "a~", "a@", "a:", "a+"];
      await keptApart(scene.hub, names, { keep: true });
      const files = readdirSync(join(scene.hub.data, "logs")).filter((file) => file.endsWith(".ring"));
      const folded = new Set(files.map((file) => file.toLowerCase()));
      expect(folded.size).toBe(files.length);
      expect(files.length).toBeGreaterThanOrEqual(names.length);
      for (const name of names) await ask(scene.hub, pathOf(name), { method: "DELETE" });
      return "ok";
    },
  },
  {
    id: "T8",
    title: "names of 255 bytes that differ in the last one: files whose names the system takes",
    outcome: "ok",
    meet: ({ hub }) => keptApart(hub, [`${LONGEST}a`, `${LONGEST}b`, `${"@".repeat(254)}a`, `${"@".repeat(254)}b`]),
  },
  {
    id: "T13",
    title: "> and *.* match no topic of the hub's own",
    outcome: "ok",
    meet: async ({ hub }) => {
      await using client = await JsonClient.connect(hub.wsUrl);
      await client.request({ op: "subscribe", topic: "$hub.x" });
      for (const pattern of [">", "*.*", "*.x"]) {
        const { topics } = await client.request({ op: "subscribe", pattern });
        expect(Object.keys(topics).filter((name) => name.startsWith("$"))).toEqual([]);
      }
      const { topics } = await client.request({ op: "subscribe", pattern: "$hub.>" });
      expect(Object.keys(topics)).toEqual(["$hub.x"]);
      return "ok";
    },
  },
  {
    id: "T16a",
    title: "a topic deleted and made anew while subscribed: a gap, then the first record",
    outcome: "ok",
    meet: async ({ hub }) => {
      await using client = await JsonClient.connect(hub.wsUrl);
      const publish = (): Promise<unknown> => client.request({ op: "publish", topic: TOPIC, data: 1 });
      await publish();
      await client.request({ op: "subscribe", topic: TOPIC });
      await ask(hub, pathOf(TOPIC), { method: "DELETE" });
      await publish();
      expect([await client.next(), await client.next()]).toMatchObject([
        { op: "gap", reason: "deleted", from: 1, to: 1, next: 0 },
        { op: "messages", messages: [{ offset: 0 }] },
      ]);
      await ask(hub, pathOf(TOPIC), { method: "DELETE" });
      return "ok";
    },
  },
  {
    id: "T16b",
    title: "a position of a topic that was deleted and made anew: a gap, then the first record",
    outcome: "ok",
    meet: async ({ hub }) => {
      await using client = await JsonClient.connect(hub.wsUrl);
      const { epoch } = await client.request({ op: "publish", topic: TOPIC, data: 1 });
      await ask(hub, pathOf(TOPIC), { method: "DELETE" });
      await client.request({ op: "publish", topic: TOPIC, data: 2 });
      await client.request({ op: "subscribe", topic: TOPIC, from: { positions: { 0: { epoch, offset: 1 } } } });
      expect([await client.next(), await client.next()]).toMatchObject([
        { op: "gap", reason: "epoch", from: 1, to: 1, next: 0 },
        { op: "messages", messages: [{ offset: 0, data: 2 }] },
      ]);
      await ask(hub, pathOf(TOPIC), { method: "DELETE" });
      return "ok";
    },
  },
];

/** Publishes its own name to each of them, and reads it back. */
async function keptApart(
  hub: Parameters<typeof ask>[0],
  names: readonly string[],
  { keep = false }: { readonly keep?: boolean } = {},
): Promise<Outcome> {
  for (const name of names) await askJson(hub, "POST", `${pathOf(name)}/messages`, { data: name });
  for (const name of names) {
    const { json } = await ask(hub, `${pathOf(name)}/messages`);
    expect(json["messages"]).toMatchObject([{ offset: 0, data: name }]);
    if (!keep) await ask(hub, pathOf(name), { method: "DELETE" });
  }
  return "ok";
}
