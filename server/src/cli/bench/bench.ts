/** `ringcast bench`: what a running hub delivers and acknowledges, how fast, and at what cost. */
import type { Command } from "../command.js";
import { HUB_OPTIONS, readHubAddress } from "../hub-access.js";
import { Progress } from "../progress.js";
import { EXIT, type Terminal } from "../terminal.js";
import { UsageError, type Arguments } from "../usage.js";
import { runLoadTest, type LoadResult, type LoadTest } from "./load-test.js";
import { describeTest, reportJson, reportLines } from "./report.js";
import { RINGCAST_DIALECTS } from "./ringcast.js";
import { PAYLOAD_TIME_BYTES } from "./wire.js";

const DEFAULTS = { subscribers: 100, publishers: 1, bytes: 128, batch: 1, topics: 1, seconds: 10, warmup: 2 };
const MAX_CONNECTIONS = 100_000;
/** The hub's own limit, `maxInflight`, is 1,024. */
const MAX_INFLIGHT = 1_024;
const DEFAULT_INFLIGHT = 256;
/** So much of a topic's ring of 16 MiB may lie before the average reader: retention never overtakes it. */
const AHEAD_BYTES = 4 * 1_048_576;
const RECORD_HEAD_BYTES = 56;

export const bench: Command = {
  usage: ["[options]"],
  options: {
    subscribers: count("n", `Connections that read, each one topic (default ${DEFAULTS.subscribers}); 0: none`),
    publishers: count("n", `Connections that publish (default ${DEFAULTS.publishers})`),
    topics: count("n", `Topics, used in turn (default ${DEFAULTS.topics})`),
    bytes: count("n", `Bytes of data in a message, from ${PAYLOAD_TIME_BYTES} (default ${DEFAULTS.bytes})`),
    batch: count("n", `Messages in one publish (default ${DEFAULTS.batch})`),
    rate: count(
      "n",
      "Messages a second of all publishers, on a schedule that\nwaits for nobody; left out: as many as go",
    ),
    inflight: count(
      "n",
      `Publishes of a connection that may be unacknowledged\n(default ${DEFAULT_INFLIGHT}; with --rate, and at most, ${MAX_INFLIGHT})`,
    ),
    dialect: count("name", "msgpack (default) or json"),
    seconds: count("s", `How long it measures (default ${DEFAULTS.seconds})`),
    warmup: count("s", `Seconds before that (default ${DEFAULTS.warmup})`),
    threads: count("n", "Threads of the load generator (default: one less than\nthis machine has processors)"),
    pid: count(
      "pid",
      "Process of the hub, whose processor time and memory are\nmeasured; auto (default): whoever listens there",
    ),
    json: { type: "boolean", description: "Prints JSON on a terminal too" },
    ...HUB_OPTIONS,
  },
  notes: `It makes topics of its own, named bench.…, and deletes them at the end. Latencies count from the moment at
which a message was due, also where it could only be sent later. Without --rate publishers wait for two gates:
--inflight, and readers that are more than 4 MiB behind on the average. Times per delivery are the hub's
processor time, and known only where the hub runs on this machine. A generator on the same machine takes
processors from the hub: for absolute figures let it run on another one.`,
  examples: [
    ["ringcast bench", "100 subscribers, as fast as it goes"],
    ["ringcast bench --subscribers 0 --batch 100", "publishing alone"],
    ["ringcast bench --subscribers 1000 --rate 1000 --seconds 30", "latency at 1,000 messages a second"],
    ["ringcast bench --dialect json --json | jq .deliveredPerSecond", "for programs"],
  ],
  run: async (args, terminal) => {
    if (args.positionals.length > 0) throw new UsageError("ringcast bench takes options only.");
    const test = readTest(args);
    const isForPeople = terminal.isOutTerminal && !args.isOn("json");
    if (isForPeople) await terminal.print(describeTest(test));
    const result = await watch(test, terminal);
    if (result === undefined) return EXIT.ok;
    if (isForPeople) {
      const lines = reportLines(test, result, (style, text) => terminal.colour(style, text));
      for (const line of ["", ...lines]) await terminal.print(line);
    } else {
      await terminal.printJson(reportJson(test, result));
    }
    return EXIT.ok;
  },
};

async function watch(test: LoadTest, terminal: Terminal): Promise<LoadResult | undefined> {
  let progress: Progress | undefined;
  try {
    return await runLoadTest(test, {
      interrupted: terminal.interrupted,
      phase: (text) => terminal.draw(text === "" ? "" : `${text} …`),
      progress: ({ delivered, acknowledged }, part) => {
        progress ??= new Progress(terminal, test.subscribers === 0 ? "acknowledged" : "deliveries");
        progress.update(test.subscribers === 0 ? acknowledged : delivered, part);
      },
    });
  } finally {
    terminal.draw("");
  }
}

/** @throws UsageError */
function readTest(args: Arguments): LoadTest {
  const dialect = RINGCAST_DIALECTS.find((name) => name === (args.text("dialect") ?? "msgpack"));
  if (dialect === undefined) throw new UsageError(`--dialect must be ${RINGCAST_DIALECTS.join(" or ")}.`);
  const number = (name: keyof typeof DEFAULTS, least: number, most?: number) =>
    args.integer(name, least, most) ?? DEFAULTS[name];
  const bytes = number("bytes", PAYLOAD_TIME_BYTES);
  const batch = number("batch", 1);
  const rate = args.integer("rate", 1);
  const pid = args.text("pid");
  return {
    address: readHubAddress(args),
    dialect,
    subscribers: number("subscribers", 0, MAX_CONNECTIONS),
    publishers: number("publishers", 1, MAX_CONNECTIONS),
    topics: number("topics", 1, MAX_CONNECTIONS),
    bytes,
    batch,
    rate,
    inflight: args.integer("inflight", 1, MAX_INFLIGHT) ?? (rate === undefined ? DEFAULT_INFLIGHT : MAX_INFLIGHT),
    ahead: rate === undefined ? Math.max(batch, Math.floor(AHEAD_BYTES / (bytes + RECORD_HEAD_BYTES))) : Infinity,
    seconds: number("seconds", 1),
    warmupSeconds: number("warmup", 0),
    threads: args.integer("threads", 1, 64),
    pid: pid === undefined || pid === "auto" ? "auto" : (args.integer("pid", 1) ?? "auto"),
  };
}

function count(placeholder: string, description: string) {
  return { type: "string", placeholder: `<${placeholder}>`, description } as const;
}
