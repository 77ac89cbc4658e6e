/** `ringcast topics`: lists, shows, makes, changes and deletes topics. */
import { STORAGE_KINDS, TOPIC_DURABILITIES, type TopicConfig, type TopicDescription } from "@ringcast/protocol";
import type { Command } from "./command.js";
import { HUB_OPTIONS, readHubAddress, request, type HubAddress } from "./hub-access.js";
import { printable } from "./printable.js";
import { countText } from "./progress.js";
import { EXIT, type Terminal } from "./terminal.js";
import { UsageError, type Arguments } from "./usage.js";

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
  name: "topics",
  summary: "Lists, shows, creates, configures and deletes topics",
  usage: ["[list]", "show <topic>", "create <topic> [options]", "set <topic> [options]", "delete <topic> [--yes]"],
  options: {
    partitions: { type: "string", placeholder: "<n>", description: "Partitions, 1 to 1,024 (default 1); fixed later" },
    storage: { type: "string", placeholder: "<kind>", description: "file (default) or memory; fixed later" },
    "capacity-bytes": {
      type: "string",
      placeholder: "<n>",
      description: "Bytes of ring per partition, at least 65536",
    },
    durability: { type: "string", placeholder: "<level>", description: "stored (default) or synced" },
    yes: { type: "boolean", short: "y", description: "Deletes without asking" },
    ...HUB_OPTIONS,
  },
  examples: [
    ["ringcast topics", "all topics of the hub"],
    ["ringcast topics create orders --partitions 4", "before the first message"],
    ["ringcast topics show orders", "heads, tails and configuration"],
  ],
  run: async (args, terminal) => {
    const [action = "list", topic, ...rest] = args.positionals;
    if (rest.length > 0) throw new UsageError("Name one topic at a time.");
    const address = readHubAddress(args);
    if (action === "list" && topic === undefined) return list(address, terminal);
    if (!["show", "create", "set", "delete"].includes(action)) {
      throw new UsageError(
        `ringcast topics has no action ${JSON.stringify(action)}: use list, show, create, set or delete.`,
      );
    }
    if (topic === undefined) throw new UsageError(`Name the topic: ringcast topics ${action} <topic>.`);
    const path = `/v1/topics/${encodeURIComponent(topic)}`;
    if (action === "show") return show((await request(address, "GET", path)) as TopicDescription, terminal);
    if (action === "delete") return remove(topic, { address, path, args, terminal });
    const config = readConfig(args);
    if (action === "set") {
      if (Object.keys(config).length === 0) throw new UsageError("Say what to set, e.g. --capacity-bytes 67108864.");
      // PUT would make the topic; a misspelt name is to be told instead.
      await request(address, "GET", path);
    }
    const condition = action === "create" ? { "If-None-Match": "*" } : {};
    const made = await request(address, "PUT", path, config, condition);
    return show(made as TopicDescription, terminal);
  },
};

async function list(address: HubAddress, terminal: Terminal): Promise<number> {
  let isEmpty = true;
  for await (const entry of allTopics(address)) {
    if (terminal.interrupted.aborted) break;
    isEmpty = false;
    if (!terminal.isOutTerminal) await terminal.printJson(entry);
    else {
      const partitions = entry.partitions === 1 ? "1 partition" : `${countText(entry.partitions)} partitions`;
      await terminal.print(`${terminal.colour("bold", printable(entry.name))}  ${terminal.colour("dim", partitions)}`);
    }
  }
  if (isEmpty && terminal.isOutTerminal)
    terminal.say('No topics yet. The first message makes one: ringcast pub hello "world"');
  return EXIT.ok;
}

async function* allTopics(address: HubAddress): AsyncGenerator<TopicEntry> {
  let after: string | null = null;
  do {
    const from: string = after === null ? "" : `&after=${encodeURIComponent(after)}`;
    const page = (await request(address, "GET", `/v1/topics?limit=${PAGE_SIZE}${from}`)) as TopicsPage;
    yield* page.topics;
    after = page.next;
  } while (after !== null);
}

async function show(topic: TopicDescription, terminal: Terminal): Promise<number> {
  if (!terminal.isOutTerminal) {
    await terminal.printJson(topic);
    return EXIT.ok;
  }
  await terminal.print(terminal.colour("bold", printable(topic.name)));
  for (const { partition, epoch, tail, head, bytes } of topic.partitions) {
    const range = `offsets ${countText(tail)} to ${countText(head)}`;
    await terminal.print(
      `  partition ${partition}  ${range}  ${countText(bytes)} bytes  ${terminal.colour("dim", `epoch ${epoch}`)}`,
    );
  }
  for (const [name, value] of Object.entries(topic.config)) {
    await terminal.print(`  ${terminal.colour("dim", name)} ${printable(String(value))}`);
  }
  return EXIT.ok;
}

interface Removal {
  readonly address: HubAddress;
  readonly path: string;
  readonly args: Arguments;
  readonly terminal: Terminal;
}

async function remove(topic: string, { address, path, args, terminal }: Removal): Promise<number> {
  const isSure = args.isOn("yes") || (await terminal.confirm(`Delete ${printable(topic)} with all its messages?`));
  if (!isSure) {
    terminal.say("Nothing was deleted; --yes deletes without asking.");
    return EXIT.failure;
  }
  await request(address, "DELETE", path);
  if (terminal.isOutTerminal) await terminal.print(`deleted ${printable(topic)}`);
  else await terminal.printJson({ topic, deleted: true });
  return EXIT.ok;
}

function readConfig(args: Arguments): Partial<TopicConfig> {
  const partitions = args.integer("partitions", 1);
  const capacityBytes = args.integer("capacity-bytes", 1);
  const storage = readChoice(args, "storage", STORAGE_KINDS);
  const durability = readChoice(args, "durability", TOPIC_DURABILITIES);
  return {
    ...(partitions === undefined ? {} : { partitions }),
    ...(capacityBytes === undefined ? {} : { capacityBytes }),
    ...(storage === undefined ? {} : { storage }),
    ...(durability === undefined ? {} : { durability }),
  };
}

function readChoice<T extends string>(args: Arguments, name: string, choices: readonly T[]): T | undefined {
  const text = args.text(name);
  const choice = choices.find((each) => each === text);
  if (text !== undefined && choice === undefined) throw new UsageError(`--${name} must be ${choices.join(" or ")}.`);
  return choice;
}
