/** `ringcast history`: prints what a topic holds, and ends. */
import type { Gap, TopicDescription, TopicStart } from "@ringcast/protocol";
import type { Command } from "./command.js";
import { HUB_OPTIONS, readHubAddress, request, send, type HubAddress } from "./hub-access.js";
import { gapText, lineOf, type StoredMessage } from "./message-lines.js";
import { parseExactly, rawText } from "./raw-json.js";
import { readFilterOptions, readStart, readUntil, startQuery, untilQuery } from "./start.js";
import { EXIT, type Terminal } from "./terminal.js";
import { topicPath } from "./topic-actions.js";
import { UsageError, type Arguments } from "./usage.js";

const PAGE_SIZE = 1000;
const MAX_PARTITION = 1023;

export const history: Command = {
  usage: ["<topic> [options]"],
  options: {
    from: {
      type: "string",
      placeholder: "<start>",
      description: "earliest (default), latest, an offset, last:100,\n15m (ago: s, m, h, d) or 2026-01-31T10:00Z",
    },
    until: { type: "string", placeholder: "<end>", description: "head (default), an offset, or a time as above" },
    partition: { type: "string", placeholder: "<n>", description: "One partition; all, one behind the other, without" },
    limit: { type: "string", short: "n", placeholder: "<n>", description: "Ends after so many messages" },
    key: {
      type: "string",
      short: "k",
      placeholder: "<key>",
      multiple: true,
      description: "Only messages with this key; may be given several times",
    },
    header: {
      type: "string",
      short: "H",
      placeholder: "<name=value>",
      multiple: true,
      description: "Only messages with this header; may be given several times",
    },
    json: { type: "boolean", description: "Prints lines of JSON on a terminal too" },
    ...HUB_OPTIONS,
  },
  notes: `Piped, each message is a line of JSON as "ringcast sub" prints it. What is missing is told on standard error. An offset
to begin or to end at needs --partition where there are several.`,
  examples: [
    ["ringcast history orders --from last:10", "the newest ten of each partition"],
    ["ringcast history orders --from 2h --until 1h --key c-17", "an hour of one key"],
    ["ringcast history orders --header type=refund | wc -l", "counts"],
  ],
  run: async (args, terminal) => {
    const [topic, ...rest] = args.positionals;
    if (topic === undefined || rest.length > 0) throw new UsageError("Name one topic: ringcast history <topic>.");
    const address = readHubAddress(args);
    const wanted = readWanted(args);
    const limit = args.integer("limit", 1) ?? Infinity;
    const { partitions } = (await request(address, "GET", topicPath(topic))) as TopicDescription;
    const only = args.integer("partition", 0, MAX_PARTITION);
    const numbers = only === undefined ? partitions.map(({ partition }) => partition) : [only];
    if (numbers.length > 1 && wanted.isOffset) throw new UsageError("Say which --partition the offset is of.");
    const isJson = args.isOn("json") || !terminal.isOutTerminal;
    let printed = 0;
    for (const partition of numbers) {
      for await (const message of readPartition(
        address,
        { topic, partition, wanted, limit: limit - printed },
        terminal,
      )) {
        await terminal.print(isJson ? rawText(message) : lineOf(message, terminal));
        printed++;
      }
      if (printed >= limit || terminal.interrupted.aborted) break;
    }
    return EXIT.ok;
  },
};

interface Wanted {
  readonly from: TopicStart;
  /** Query of everything but the start. */
  readonly query: string;
  readonly isOffset: boolean;
}

function readWanted(args: Arguments): Wanted {
  const nowMs = Date.now();
  const from = readStart(args.text("from") ?? "earliest", nowMs);
  const until = readUntil(args.text("until") ?? "head", nowMs);
  const filter = readFilterOptions(args.texts("key"), args.texts("header"));
  const filterPart = filter === undefined ? "" : `&filter=${encodeURIComponent(JSON.stringify(filter))}`;
  const isOffset = [from, until].some((place) => typeof place === "object" && "offset" in place);
  return { from, query: `&until=${untilQuery(until)}${filterPart}`, isOffset };
}

/** Answer of `GET /v1/topics/{topic}/messages`. */
interface Page {
  readonly messages: readonly Omit<StoredMessage, "topic" | "partition" | "epoch">[];
  readonly next: number;
  readonly head: number;
  readonly epoch: string;
  readonly gap?: Gap;
}

interface Reading {
  readonly topic: string;
  readonly partition: number;
  readonly wanted: Wanted;
  readonly limit: number;
}

async function* readPartition(
  address: HubAddress,
  { topic, partition, wanted, limit }: Reading,
  terminal: Terminal,
): AsyncGenerator<StoredMessage> {
  let place = startQuery(wanted.from);
  let epoch: string | undefined;
  let left = limit;
  while (left > 0 && !terminal.interrupted.aborted) {
    const count = Math.min(PAGE_SIZE, left);
    const after = epoch === undefined ? "" : `&epoch=${epoch}`;
    const query = `from=${place}${after}&partition=${partition}&limit=${count}${wanted.query}`;
    const { text } = await send(address, "GET", `${topicPath(topic)}/messages?${query}`);
    const page = parseExactly(text) as Page;
    if (page.gap !== undefined) terminal.say(`${terminal.errColour("yellow", "gap:")} ${gapText(page.gap)}`);
    for (const message of page.messages) yield { topic, partition, epoch: page.epoch, ...message };
    left -= page.messages.length;
    const next = String(page.next);
    // The end is the head, or the place where a page gets no further because of --until.
    if (page.next >= page.head || (next === place && epoch === page.epoch)) return;
    place = next;
    epoch = page.epoch;
  }
}
