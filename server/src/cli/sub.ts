/** `ringcast sub`: prints the messages of a topic or pattern as they come. */
import type { Hub, Message } from "@ringcast/client";
import { isTopic, RingcastError, type Gap } from "@ringcast/protocol";
import type { Command } from "./command.js";
import { HUB_OPTIONS, openHub, readHubAddress } from "./hub-access.js";
import { gapText, lineOf, type StoredMessage } from "./message-lines.js";
import { Progress } from "./progress.js";
import { rawJsonCodec, rawText } from "./raw-json.js";
import { readStart } from "./start.js";
import { EXIT, sayError, type Terminal } from "./terminal.js";
import { UsageError } from "./usage.js";

export const sub: Command = {
  usage: ["<topic or pattern> [options]"],
  options: {
    from: {
      type: "string",
      placeholder: "<start>",
      description: "latest (default), earliest, an offset, last:100,\n15m (ago: s, m, h, d) or 2026-01-31T10:00Z",
    },
    count: { type: "string", short: "n", placeholder: "<n>", description: "Ends after so many messages" },
    json: { type: "boolean", description: "Prints lines of JSON on a terminal too" },
    ...HUB_OPTIONS,
  },
  notes: `Piped, each message is a line of JSON with topic, partition, epoch, offset, timestamp, key, headers and data.
It ends with Ctrl+C, reconnects by itself, and goes on at exactly the message that comes next; a gap is told
on standard error.`,
  examples: [
    ['ringcast sub "chat.>"', "everything below chat, from now on"],
    ["ringcast sub quakes --from earliest", "all that is stored, then live"],
    ["ringcast sub quakes --from 15m | jq .data.place", "with other tools"],
  ],
  run: async (args, terminal) => {
    const [topic, ...rest] = args.positionals;
    if (topic === undefined || rest.length > 0)
      throw new UsageError("Name one topic or pattern: ringcast sub <topic>.");
    const from = readStart(args.text("from") ?? "latest", Date.now());
    const count = args.integer("count", 1);
    const isJson = args.isOn("json") || !terminal.isOutTerminal;
    await using hub = await openHub(readHubAddress(args), { codec: rawJsonCodec });
    tellState(hub, terminal);
    const onGap = (gap: Gap) => terminal.say(`${terminal.errColour("yellow", "gap:")} ${gapText(gap)}`);
    const progress = terminal.isOutTerminal ? undefined : new Progress(terminal, "messages");
    const total = count ?? (from === "earliest" ? await countStored(hub, topic) : undefined);
    let printed = 0;
    for await (const message of hub.subscribe(topic, { from, onGap, signal: terminal.interrupted })) {
      await (isJson ? terminal.print(rawText(asStored(message))) : terminal.print(lineOf(asStored(message), terminal)));
      printed++;
      progress?.update(printed, total === undefined ? undefined : printed / total);
      if (printed === count) break;
    }
    progress?.end();
    return EXIT.ok;
  },
};

/** Messages that a topic holds now; undefined for a pattern, and for a topic that isn't there or is empty. */
async function countStored(hub: Hub<Record<string, unknown>>, topic: string): Promise<number | undefined> {
  if (!isTopic(topic)) return undefined;
  try {
    const { partitions } = await hub.topic(topic);
    return partitions.reduce((sum, { tail, head }) => sum + head - tail, 0) || undefined;
  } catch (error) {
    if (error instanceof RingcastError && error.code === "unknown_topic") return undefined;
    throw error;
  }
}

function tellState(hub: Hub<Record<string, unknown>>, terminal: Terminal): void {
  let isLost = false;
  hub.on("state", ({ state, reason }) => {
    if (state === "reconnecting" && !isLost) {
      isLost = true;
      sayError(terminal, `${reason?.message ?? "The connection is lost."} Trying again; nothing is skipped.`);
    } else if (state === "connected" && isLost) {
      isLost = false;
      terminal.say(terminal.errColour("green", "connected again"));
    }
  });
}

/** What a line of JSON holds: the message, without what can be told from it. */
function asStored({ topic, partition, epoch, offset, timestamp, key, headers, data }: Message): StoredMessage {
  const isBare = Object.keys(headers).length === 0;
  return {
    topic,
    partition,
    epoch,
    offset,
    timestamp,
    ...(key === undefined ? {} : { key }),
    ...(isBare ? {} : { headers }),
    data: withBytes(data),
  };
}

/** The SDK hands out bytes as Uint8Array; in JSON they are `{"$bytes":…}`, as they came over the wire. */
function withBytes(data: unknown): unknown {
  if (data instanceof Uint8Array) return { $bytes: Buffer.from(data).toString("base64") };
  if (Array.isArray(data)) return data.map(withBytes);
  if (typeof data !== "object" || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, withBytes(value)]));
}
