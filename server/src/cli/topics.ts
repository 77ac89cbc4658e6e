/** `ringcast topics`: lists topics. */
import { checkPattern, matchesPattern } from "@ringcast/protocol";
import type { Command } from "./command.js";
import { HUB_OPTIONS, readHubAddress, request, type HubAddress } from "./hub-access.js";
import { printable } from "./printable.js";
import { countText } from "./progress.js";
import { EXIT, type Terminal } from "./terminal.js";
import { isTopicAction, runTopicAction, TOPIC_ACTIONS, TOPIC_OPTIONS } from "./topic-actions.js";
import { UsageError } from "./usage.js";

/** Answer of `GET /v1/topics`. */
interface TopicsPage {
  readonly topics: readonly TopicEntry[];
  readonly next: string | null;
}

interface TopicEntry {
  readonly name: string;
  readonly partitions: number;
}

const PAGE_SIZE = 1000;

export const topics: Command = {
  usage: ["[list] [<pattern>]", `${TOPIC_ACTIONS.join("|")} <topic> [options]`],
  options: { ...TOPIC_OPTIONS, ...HUB_OPTIONS },
  notes: 'The second form does what "ringcast topic" does.',
  examples: [
    ["ringcast topics", "all topics of the hub"],
    ['ringcast topics "orders.>"', "those below orders"],
    ["ringcast topics create orders --partitions 4", "before the first message"],
  ],
  run: async (args, terminal) => {
    const [first = "list", second, ...rest] = args.positionals;
    if (rest.length > 0) throw new UsageError("Name one topic at a time.");
    const address = readHubAddress(args);
    const context = { address, args, terminal };
    if (first === "list") return list(second, context);
    if (second === undefined && !isTopicAction(first)) return list(first, context);
    if (second === undefined) throw new UsageError(`Name the topic: ringcast topics ${first} <topic>.`);
    if (isTopicAction(first)) return runTopicAction(first, second, context);
    const actions = TOPIC_ACTIONS.join(", ");
    throw new UsageError(`ringcast topics has no action ${JSON.stringify(first)}: use list or one of ${actions}.`);
  },
};

interface Listing {
  readonly address: HubAddress;
  readonly args: { isOn(name: string): boolean };
  readonly terminal: Terminal;
}

async function list(pattern: string | undefined, { address, args, terminal }: Listing): Promise<number> {
  let isEmpty = true;
  for await (const entry of matchingTopics(address, pattern)) {
    if (terminal.interrupted.aborted) break;
    isEmpty = false;
    if (!terminal.isOutTerminal || args.isOn("json")) await terminal.printJson(entry);
    else {
      const partitions = entry.partitions === 1 ? "1 partition" : `${countText(entry.partitions)} partitions`;
      await terminal.print(`${terminal.colour("bold", printable(entry.name))}  ${terminal.colour("dim", partitions)}`);
    }
  }
  if (isEmpty && terminal.isOutTerminal) {
    const first = 'No topics yet. The first message makes one: ringcast pub hello "world"';
    terminal.say(pattern === undefined ? first : `No topic matches ${printable(pattern)}.`);
  }
  return EXIT.ok;
}

/**
 * The topics of a hub in the order of their names' bytes.
 *
 * @param pattern only those that match; undefined: all
 * @throws RingcastError `invalid_topic` where that is no pattern
 */
export async function* matchingTopics(address: HubAddress, pattern?: string): AsyncGenerator<TopicEntry> {
  if (pattern !== undefined) checkPattern(pattern);
  let after: string | null = null;
  do {
    const from: string = after === null ? "" : `&after=${encodeURIComponent(after)}`;
    const page = (await request(address, "GET", `/v1/topics?limit=${PAGE_SIZE}${from}`)) as TopicsPage;
    for (const entry of page.topics) if (pattern === undefined || matchesPattern(pattern, entry.name)) yield entry;
    after = page.next;
  } while (after !== null);
}
