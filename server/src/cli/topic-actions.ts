/** What can be done with one topic: `ringcast topic <name>`, and the older form `ringcast topics <action> <name>`. */
import { STORAGE_KINDS, TOPIC_DURABILITIES, type TopicConfig, type TopicDescription } from "@ringcast/protocol";
import { request, type HubAddress } from "./hub-access.js";
import { printable } from "./printable.js";
import { countText } from "./progress.js";
import { EXIT, type Terminal } from "./terminal.js";
import { UsageError, type Arguments, type OptionSpecs } from "./usage.js";

export const TOPIC_ACTIONS = ["show", "create", "set", "delete"] as const;
export type TopicAction = (typeof TOPIC_ACTIONS)[number];

/** Options that configure a topic, and those of deleting and showing it. */
export const TOPIC_OPTIONS: OptionSpecs = {
  partitions: { type: "string", placeholder: "<n>", description: "Partitions, 1 to 1,024 (default 1); fixed later" },
  storage: { type: "string", placeholder: "<kind>", description: "file (default) or memory; fixed later" },
  "capacity-bytes": {
    type: "string",
    placeholder: "<n>",
    description: "Bytes of ring per partition, at least 65536",
  },
  "retention-ms": { type: "string", placeholder: "<ms>", description: "Age at which messages go; 0: never" },
  "retention-records": { type: "string", placeholder: "<n>", description: "Messages kept per partition; 0: no limit" },
  durability: { type: "string", placeholder: "<level>", description: "stored (default) or synced" },
  yes: { type: "boolean", short: "y", description: "Deletes without asking" },
  json: { type: "boolean", description: "Prints JSON on a terminal too" },
};

/** What an action works with. */
export interface TopicContext {
  readonly address: HubAddress;
  readonly args: Arguments;
  readonly terminal: Terminal;
}

/** @returns exit code */
export async function runTopicAction(action: TopicAction, topic: string, context: TopicContext): Promise<number> {
  const { address, args } = context;
  const path = topicPath(topic);
  if (action === "show") return show((await request(address, "GET", path)) as TopicDescription, context);
  if (action === "delete") return remove(topic, context);
  const config = readConfig(args);
  if (action === "set") {
    if (Object.keys(config).length === 0) throw new UsageError("Say what to set, e.g. --capacity-bytes 67108864.");
    // PUT would make the topic; a misspelt name is to be told instead.
    await request(address, "GET", path);
  }
  const condition = action === "create" ? { "If-None-Match": "*" } : {};
  const made = await request(address, "PUT", path, config, condition);
  return show(made as TopicDescription, context);
}

export function isTopicAction(text: string): text is TopicAction {
  return (TOPIC_ACTIONS as readonly string[]).includes(text);
}

/** Path of a topic over HTTP. */
export function topicPath(topic: string): string {
  return `/v1/topics/${encodeURIComponent(topic)}`;
}

async function show(topic: TopicDescription, { args, terminal }: TopicContext): Promise<number> {
  if (!terminal.isOutTerminal || args.isOn("json")) {
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

async function remove(topic: string, { address, args, terminal }: TopicContext): Promise<number> {
  const isSure = args.isOn("yes") || (await terminal.confirm(`Delete ${printable(topic)} with all its messages?`));
  if (!isSure) {
    terminal.say("Nothing was deleted; --yes deletes without asking.");
    return EXIT.failure;
  }
  await request(address, "DELETE", topicPath(topic));
  if (terminal.isOutTerminal && !args.isOn("json")) await terminal.print(`deleted ${printable(topic)}`);
  else await terminal.printJson({ topic, deleted: true });
  return EXIT.ok;
}

function readConfig(args: Arguments): Partial<TopicConfig> {
  const partitions = args.integer("partitions", 1);
  const capacityBytes = args.integer("capacity-bytes", 1);
  const retentionMs = args.integer("retention-ms", 0);
  const retentionRecords = args.integer("retention-records", 0);
  const storage = readChoice(args, "storage", STORAGE_KINDS);
  const durability = readChoice(args, "durability", TOPIC_DURABILITIES);
  return {
    ...(partitions === undefined ? {} : { partitions }),
    ...(capacityBytes === undefined ? {} : { capacityBytes }),
    ...(retentionMs === undefined ? {} : { retentionMs }),
    ...(retentionRecords === undefined ? {} : { retentionRecords }),
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
