/** `ringcast pub`: publishes one message, or a file of them. */
import type { Hub, OutgoingMessage, PublishedMany, PublishOptions } from "@ringcast/client";
import { TOPIC_DURABILITIES } from "@ringcast/protocol";
import type { Command } from "./command.js";
import { openEvents, type EventLine } from "./event-lines.js";
import { HUB_OPTIONS, openHub, readHubAddress } from "./hub-access.js";
import { printable } from "./printable.js";
import { countText, Progress } from "./progress.js";
import { RawJson, rawJsonCodec } from "./raw-json.js";
import { EXIT, type Terminal } from "./terminal.js";
import { UsageError, type Arguments } from "./usage.js";

/** Messages in one request, and their text at most: well below the hub's limit for a frame. */
const BATCH_MESSAGES = 500;
const BATCH_CHARACTERS = 500_000;
/** Requests that may be under way at once. */
const MAX_UNDER_WAY = 8;
const MAX_PARTITION = 1023;

export const pub: Command = {
  usage: ["<topic> <data> [options]", "<topic> --file <events.ndjson> [options]", "<topic> [options] < events.ndjson"],
  options: {
    file: {
      type: "string",
      short: "f",
      placeholder: "<file>",
      description: "Publishes each line of a file of JSON lines; - is standard input",
    },
    key: { type: "string", short: "k", placeholder: "<key>", description: "Key: same key, same partition, in order" },
    "key-field": {
      type: "string",
      placeholder: "<name>",
      description: "With --file: the member of each line that becomes its key",
    },
    header: {
      type: "string",
      short: "H",
      placeholder: "<name=value>",
      multiple: true,
      description: "A header; may be given several times",
    },
    partition: { type: "string", placeholder: "<n>", description: "Partition, instead of the choice by key" },
    text: { type: "boolean", description: "Takes the data as text, even if it looks like JSON" },
    durability: {
      type: "string",
      placeholder: "<level>",
      description: "stored: survives the hub's death (default);\nsynced: survives a power cut too",
    },
    ...HUB_OPTIONS,
  },
  notes: "The data is JSON, published as it is typed; what is no JSON is published as a text.",
  examples: [
    [`ringcast pub chat.lobby '{"text":"hi"}' --key ana`, "one message"],
    ["ringcast pub chat.lobby hello", 'the text "hello"'],
    ["ringcast pub events --file events.ndjson --key-field user", "a file, keyed by a member"],
  ],
  run: async (args, terminal) => {
    const [topic, data, ...rest] = args.positionals;
    if (topic === undefined) throw new UsageError("Name the topic: ringcast pub <topic> <data>.");
    if (rest.length > 0) throw new UsageError("The data must be one argument: put it in quotes.");
    const file = args.text("file") ?? (data === undefined && !process.stdin.isTTY ? "-" : undefined);
    if (file !== undefined && data !== undefined) throw new UsageError("Give either the data or --file, not both.");
    const options = readOptions(args);
    if (file !== undefined) return publishFile({ topic, file, args, terminal, options });
    if (data === undefined) throw new UsageError("Give the data, or a file of JSON lines with --file.");
    if (args.text("key-field") !== undefined) throw new UsageError("--key-field needs --file.");
    return publishOne(topic, toRawJson(data, args.isOn("text")), { args, terminal, options });
  },
};

interface Context {
  readonly args: Arguments;
  readonly terminal: Terminal;
  readonly options: PublishOptions;
}

async function publishOne(topic: string, data: RawJson, { args, terminal, options }: Context): Promise<number> {
  await using hub = await openHub(readHubAddress(args), { codec: rawJsonCodec });
  const published = await hub.publish(topic, data, options);
  if (!terminal.isOutTerminal) await terminal.printJson(published);
  else {
    const place = `${printable(topic)}/${published.partition}`;
    await terminal.print(
      `published ${terminal.colour("cyan", place)} offset ${terminal.colour("bold", `${published.offset}`)}`,
    );
  }
  return EXIT.ok;
}

async function publishFile(context: Context & { topic: string; file: string }): Promise<number> {
  const { args, terminal, topic, options } = context;
  if (options.key !== undefined && args.text("key-field") !== undefined) {
    throw new UsageError("Give either --key or --key-field, not both.");
  }
  const source = await openEvents(context.file, { keyField: args.text("key-field"), signal: terminal.interrupted });
  await using hub = await openHub(readHubAddress(args), { codec: rawJsonCodec });
  const progress = new Progress(terminal, "messages");
  let done = 0;
  const stored = ({ offsets }: PublishedMany) => {
    for (const { count } of offsets) done += count;
    progress.update(done, source.part());
  };
  try {
    await publishAll(source.lines(), { hub, topic, options, stored }, terminal.interrupted);
  } catch (error) {
    terminal.say(`${countText(done)} messages were published before it failed.`);
    throw error;
  }
  progress.end();
  const isWhole = !terminal.interrupted.aborted;
  if (terminal.isOutTerminal) {
    const ending = isWhole ? "" : ", then it was interrupted";
    await terminal.print(
      `published ${countText(done)} messages to ${printable(topic)} in ${progress.seconds().toFixed(1)} s${ending}`,
    );
  } else {
    await terminal.printJson({ topic, messages: done, complete: isWhole });
  }
  return isWhole ? EXIT.ok : EXIT.failure;
}

interface Target {
  readonly hub: Hub<Record<string, unknown>>;
  readonly topic: string;
  readonly options: PublishOptions;
  /** Called for each batch that is stored. */
  readonly stored: (published: PublishedMany) => void;
}

/** Publishes batches one behind the other, several under way at once. Whatever happens, none is under way any more at the end. */
async function publishAll(
  lines: AsyncIterable<EventLine>,
  { hub, topic, options: { key, headers, ...options }, stored }: Target,
  interrupted: AbortSignal,
): Promise<void> {
  const own = { ...(key === undefined ? {} : { key }), ...(headers === undefined ? {} : { headers }) };
  const underWay: Promise<void>[] = [];
  try {
    for await (const batch of batches(lines, interrupted)) {
      const messages: OutgoingMessage<RawJson>[] = batch.map((line) => ({ ...line, ...own }));
      const publishing = hub.publishMany(topic, messages, options).then(stored);
      // Its failure is met when its turn comes; until then it must not count as one that nobody looks at.
      publishing.catch(() => undefined);
      underWay.push(publishing);
      if (underWay.length >= MAX_UNDER_WAY) await underWay.shift();
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
}

async function* batches(lines: AsyncIterable<EventLine>, interrupted: AbortSignal): AsyncGenerator<EventLine[]> {
  let batch: EventLine[] = [];
  let characters = 0;
  for await (const line of lines) {
    if (interrupted.aborted) break;
    const length = line.data.text.length + (line.key?.length ?? 0);
    if (batch.length >= BATCH_MESSAGES || (batch.length > 0 && characters + length > BATCH_CHARACTERS)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(line);
    characters += length;
  }
  if (batch.length > 0) yield batch;
}

function readOptions(args: Arguments): PublishOptions {
  const key = args.text("key");
  const headers = Object.fromEntries(args.texts("header").map(readHeader));
  const partition = args.integer("partition", 0, MAX_PARTITION);
  const durability = TOPIC_DURABILITIES.find((level) => level === args.text("durability"));
  if (args.text("durability") !== undefined && durability === undefined) {
    throw new UsageError(`--durability must be ${TOPIC_DURABILITIES.join(" or ")}.`);
  }
  return {
    ...(key === undefined ? {} : { key }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(partition === undefined ? {} : { partition }),
    ...(durability === undefined ? {} : { durability }),
  };
}

function readHeader(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--header must be like name=value, not ${JSON.stringify(text)}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function toRawJson(text: string, isText: boolean): RawJson {
  if (isText) return new RawJson(JSON.stringify(text));
  try {
    return new RawJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) return new RawJson(JSON.stringify(text));
    throw error;
  }
}
