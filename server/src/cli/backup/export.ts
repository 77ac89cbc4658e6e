/** `ringcast export`: writes what topics hold to a file, with offsets, epochs and times. */
import type { Hub, Message } from "@ringcast/client";
import { ByteWriter, isTopic, type Gap, type TopicDescription, type TopicStart, type Until } from "@ringcast/protocol";
import type { Command } from "../command.js";
import { HUB_OPTIONS, openHub, readHubAddress, request, type HubAddress } from "../hub-access.js";
import { gapText } from "../message-lines.js";
import { printable } from "../printable.js";
import { countText, Progress } from "../progress.js";
import { readStart, readUntil } from "../start.js";
import { EXIT, type Terminal } from "../terminal.js";
import { topicPath } from "../topic-actions.js";
import { matchingTopics } from "../topics.js";
import { UsageError, type Arguments } from "../usage.js";
import { openOutput, type Output } from "./output.js";
import { packedEntry, packedHead } from "./packed-file.js";
import { writeLine } from "./record-lines.js";
import { encodeRun, RunBuilder, type RecordRun, type RunPlace } from "./record-run.js";
import type { StoredRecord } from "./stored-record.js";
import { recordCodec } from "./stored-record.js";

const FORMATS = ["ndjson", "packed"] as const;
type Format = (typeof FORMATS)[number];

/** Messages that may wait in the SDK: enough to keep the socket busy. */
const WINDOW = 8_192;
const WRITE_BYTES = 262_144;

export const exportTopics: Command = {
  usage: ["<topic or pattern> [options]"],
  options: {
    output: {
      type: "string",
      short: "o",
      placeholder: "<file>",
      description: "The file; - (default) is standard output",
    },
    format: {
      type: "string",
      placeholder: "<format>",
      description: "ndjson (default): lines of JSON;\npacked: the records as they are stored, for backups",
    },
    from: { type: "string", placeholder: "<start>", description: 'As for "ringcast history"; default earliest' },
    until: { type: "string", placeholder: "<end>", description: "Default head: all there is at the beginning" },
    ...HUB_OPTIONS,
  },
  notes: `Each line holds topic, partition, epoch, offset, timestamp, key, headers and data; JSON data stands there as it
was published, bytes as {"$bytes":"<base64>"}. packed keeps every byte, the checks and the topics' configuration.
The file appears under its name when it is whole and on the disk. What is missing in between is told on standard
error, and the exit code is 1.`,
  examples: [
    ['ringcast export ">" --format packed -o all.ringcast', "a backup of everything"],
    ["ringcast export orders -o orders.ndjson", "one topic, for other tools"],
    ["ringcast export orders --from 24h | gzip > day.ndjson.gz", "a day, compressed"],
  ],
  run: async (args, terminal) => {
    const [name, ...rest] = args.positionals;
    if (name === undefined || rest.length > 0)
      throw new UsageError("Name one topic or pattern: ringcast export <topic>.");
    const plan = readPlan(args, terminal);
    const address = readHubAddress(args);
    const topics = isTopic(name) ? [name] : await namesOf(address, name);
    const output = await openOutput(plan.file);
    try {
      const result = await exportAll(topics, { address, plan, output, terminal });
      if (terminal.interrupted.aborted) {
        terminal.say("Interrupted: nothing was written.");
        return EXIT.failure;
      }
      await output.finish();
      await report(result, topics.length, plan, terminal);
      return result.gaps === 0 ? EXIT.ok : EXIT.failure;
    } finally {
      await output.discard();
    }
  },
};

interface Plan {
  readonly file: string;
  readonly format: Format;
  readonly from: TopicStart;
  readonly until: Until;
}

function readPlan(args: Arguments, terminal: Terminal): Plan {
  const file = args.text("output") ?? "-";
  const asked = args.text("format") ?? "ndjson";
  const format = FORMATS.find((each) => each === asked);
  if (format === undefined) throw new UsageError(`--format must be ${FORMATS.join(" or ")}.`);
  if (format === "packed" && file === "-" && terminal.isOutTerminal) {
    throw new UsageError("A packed export is nothing for a terminal: name a file with -o.");
  }
  const nowMs = Date.now();
  const from = readStart(args.text("from") ?? "earliest", nowMs);
  return { file, format, from, until: readUntil(args.text("until") ?? "head", nowMs) };
}

async function namesOf(address: HubAddress, pattern: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of matchingTopics(address, pattern)) names.push(name);
  return names;
}

interface Exporting {
  readonly address: HubAddress;
  readonly plan: Plan;
  readonly output: Output;
  readonly terminal: Terminal;
}

interface Result {
  readonly records: number;
  readonly gaps: number;
  readonly seconds: number;
}

async function exportAll(names: readonly string[], { address, plan, output, terminal }: Exporting): Promise<Result> {
  const described: TopicDescription[] = [];
  // A subscription would make a topic that isn't there, so each is asked for first.
  for (const name of names) described.push((await request(address, "GET", topicPath(name))) as TopicDescription);
  const total = plan.from === "earliest" ? described.reduce((sum, topic) => sum + storedRecords(topic), 0) : 0;
  const sink = plan.format === "packed" ? new PackedSink(output) : new LineSink(output);
  await using hub = await openHub(address, { codec: recordCodec });
  const progress = new Progress(terminal, "messages");
  let records = 0;
  let gaps = 0;
  const onGap = (gap: Gap): void => {
    gaps++;
    terminal.say(`${terminal.errColour("yellow", "gap:")} ${gapText(gap)}`);
  };
  await sink.begin();
  for (const topic of described) {
    await sink.topic(topic);
    if (storedRecords(topic) === 0) continue;
    for await (const message of storedMessages(hub, topic.name, { plan, onGap, signal: terminal.interrupted })) {
      await sink.record(message, message.data as StoredRecord);
      records++;
      progress.update(records, total === 0 ? undefined : records / total);
    }
    if (terminal.interrupted.aborted) break;
  }
  await sink.end(records);
  progress.end();
  return { records, gaps, seconds: progress.seconds() };
}

function storedMessages(
  hub: Hub<Record<string, unknown>>,
  topic: string,
  { plan, onGap, signal }: { plan: Plan; onGap: (gap: Gap) => void; signal: AbortSignal },
): AsyncIterable<Message> {
  return hub.subscribe(topic, { from: plan.from, until: plan.until, window: WINDOW, onGap, signal });
}

function storedRecords({ partitions }: TopicDescription): number {
  return partitions.reduce((sum, { tail, head }) => sum + head - tail, 0);
}

async function report(result: Result, topics: number, plan: Plan, terminal: Terminal): Promise<void> {
  if (plan.file === "-") return;
  const { records, gaps, seconds } = result;
  if (!terminal.isOutTerminal) {
    await terminal.printJson({ file: plan.file, topics, messages: records, gaps });
    return;
  }
  const what = `${countText(records)} messages of ${countText(topics)} ${topics === 1 ? "topic" : "topics"}`;
  await terminal.print(`exported ${what} to ${printable(plan.file)} in ${seconds.toFixed(1)} s`);
}

/** Takes what is exported, in the form of the file. */
interface Sink {
  begin(): Promise<void>;
  topic(topic: TopicDescription): Promise<void>;
  record(place: RunPlace & { readonly offset: number }, record: StoredRecord): Promise<void>;
  end(records: number): Promise<void>;
}

class LineSink implements Sink {
  readonly #output: Output;
  readonly #writer = new ByteWriter(WRITE_BYTES);

  constructor(output: Output) {
    this.#output = output;
  }

  async begin(): Promise<void> {}

  async topic(): Promise<void> {}

  async record(place: RunPlace, record: StoredRecord): Promise<void> {
    writeLine(this.#writer, place, record);
    if (this.#writer.length >= WRITE_BYTES) await this.end();
  }

  async end(): Promise<void> {
    await this.#output.write(this.#writer.take());
    this.#writer.clear();
  }
}

class PackedSink implements Sink {
  readonly #output: Output;
  readonly #runs = new RunBuilder();

  constructor(output: Output) {
    this.#output = output;
  }

  async begin(): Promise<void> {
    await this.#output.write(packedHead());
  }

  async topic({ name, config, partitions }: TopicDescription): Promise<void> {
    await this.#write(this.#runs.end());
    await this.#writeJson({ topic: name, config, partitions });
  }

  async record(place: RunPlace & { readonly offset: number }, record: StoredRecord): Promise<void> {
    const { bytes, at, length } = record;
    const ended = this.#runs.endBefore(place, place.offset);
    if (ended !== undefined) await this.#write(ended);
    this.#runs.add(place, place.offset, bytes, at, at + length);
  }

  async end(records: number): Promise<void> {
    await this.#write(this.#runs.end());
    await this.#writeJson({ end: true, records });
  }

  async #write(run: RecordRun | undefined): Promise<void> {
    if (run !== undefined) await this.#output.write(packedEntry(encodeRun(run)));
  }

  async #writeJson(value: object): Promise<void> {
    await this.#output.write(packedEntry(Buffer.from(JSON.stringify(value))));
  }
}
