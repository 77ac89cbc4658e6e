/** `ringcast import`: gives a backup back to a hub. */
import { checkTopic, RingcastError } from "@ringcast/protocol";
import type { Command } from "../command.js";
import { HUB_OPTIONS, openHub, readHubAddress, request } from "../hub-access.js";
import { printable } from "../printable.js";
import { countText, Progress } from "../progress.js";
import { EXIT, sayError, type Terminal } from "../terminal.js";
import { UsageError } from "../usage.js";
import { openBackup, type BackupEntry, type BackupFile, type BackupTopic } from "./backup-file.js";
import { Renumberer } from "./renumber.js";
import { Restorer, type RunTarget } from "./restore.js";
import { recordCodec } from "./stored-record.js";

export const importTopics: Command = {
  usage: ["<file> [options]"],
  options: {
    as: {
      type: "string",
      placeholder: "<topic>",
      description: "Name for the topic of the file, which must hold just one",
    },
    renumber: { type: "boolean", description: "Publishes as new messages, with offsets and times of now" },
    partial: { type: "boolean", description: "Takes what stands before the damage of a damaged file" },
    ...HUB_OPTIONS,
  },
  notes: `Offsets, epochs and times stay. A topic of the hub must not be there, be empty, or hold exactly the beginning of
the file: so an import that was interrupted goes on when it is started again. The whole file is checked before
anything is stored. Which kind of export it is shows by itself; topics that are missing are made, with their
configuration where the file is packed.`,
  examples: [
    ["ringcast import all.ringcast", "restores a backup"],
    ["ringcast import orders.ndjson --as orders.restored", "beside the topic there is"],
    ["ringcast import orders.ringcast --renumber", "behind what the topic holds"],
  ],
  run: async (args, terminal) => {
    const [path, ...rest] = args.positionals;
    if (path === undefined || rest.length > 0) throw new UsageError("Name one file: ringcast import <file>.");
    const name = args.text("as");
    if (name !== undefined) checkTopic(name);
    const address = readHubAddress(args);
    await request(address, "GET", "/healthz");
    await using backup = await openBackup(path);
    const survey = await surveyOf(backup, terminal);
    if (survey.damage !== undefined && !args.isOn("partial")) {
      sayError(terminal, survey.damage.message);
      terminal.say("Nothing was stored. --partial takes what stands before.");
      return EXIT.failure;
    }
    if (name !== undefined && survey.topics.size > 1) {
      throw new UsageError(`--as needs a file of one topic: this one has ${countText(survey.topics.size)}.`);
    }
    const options = { backup, survey, name, terminal };
    if (!args.isOn("renumber")) return await importAll(new Restorer(address), options);
    await using hub = await openHub(address, { codec: recordCodec });
    return await importAll(new Renumberer(hub, address), options);
  },
};

/** What the first look at the file has found. */
interface Survey {
  /** Configuration to make each topic with. */
  readonly topics: ReadonlyMap<string, BackupTopic["config"]>;
  readonly damage: RingcastError | undefined;
}

async function surveyOf(backup: BackupFile, terminal: Terminal): Promise<Survey> {
  const topics = new Map<string, BackupTopic["config"]>();
  const progress = new Progress(terminal, "records checked");
  let records = 0;
  let at = 0;
  const take = (entry: BackupEntry): void => {
    if (entry.kind === "topic") topics.set(entry.topic.name, entry.topic.config);
    else {
      const { topic, partition, first, next } = entry.run;
      const partitions = Math.max(partition + 1, topics.get(topic)?.partitions ?? 1);
      topics.set(topic, { ...topics.get(topic), partitions });
      records += next - first;
    }
    progress.update(records, at / backup.bytes);
  };
  try {
    for await (const entry of backup.entries((place) => (at = place))) take(entry);
    return { topics, damage: undefined };
  } catch (error) {
    if (!(error instanceof RingcastError)) throw error;
    return { topics, damage: error };
  } finally {
    progress.end();
  }
}

interface Importing {
  readonly backup: BackupFile;
  readonly survey: Survey;
  readonly name: string | undefined;
  readonly terminal: Terminal;
}

async function importAll(target: RunTarget, { backup, survey, name, terminal }: Importing): Promise<number> {
  const progress = new Progress(terminal, "records");
  let at = 0;
  let stored = 0;
  let there = 0;
  for (const [topic, config] of survey.topics) await target.topic({ name: name ?? topic, config });
  try {
    for await (const entry of backup.entries((place) => (at = place))) {
      if (terminal.interrupted.aborted) break;
      if (entry.kind === "topic") continue;
      const { run } = entry;
      const count = await target.run(name === undefined ? run : { ...run, topic: name });
      stored += count;
      there += run.next - run.first - count;
      progress.update(stored + there, at / backup.bytes);
    }
    if (!terminal.interrupted.aborted) await target.end();
  } catch (error) {
    if (!(error instanceof RingcastError)) throw error;
    if (error.message !== survey.damage?.message) {
      terminal.say(`${countText(stored)} messages were stored before it failed; started again it goes on there.`);
      throw error;
    }
  }
  progress.end();
  for (const [topic] of survey.topics) await tellRetained(name ?? topic, target, terminal);
  const isWhole = !terminal.interrupted.aborted && survey.damage === undefined;
  if (survey.damage !== undefined) sayError(terminal, survey.damage.message);
  await report(
    { topics: survey.topics.size, messages: stored, alreadyThere: there, complete: isWhole },
    progress,
    terminal,
  );
  return isWhole ? EXIT.ok : EXIT.failure;
}

/** A ring that is smaller than the original has let the oldest go again: that is not to go unnoticed. */
async function tellRetained(topic: string, target: RunTarget, terminal: Terminal): Promise<void> {
  const expired = await target.expired(topic);
  if (expired === 0) return;
  const what = `${countText(expired)} of the messages of ${printable(topic)} are gone again: its capacity or retention is less than the file holds.`;
  terminal.say(`${terminal.errColour("yellow", "warning:")} ${what}`);
}

interface Result {
  readonly topics: number;
  readonly messages: number;
  readonly alreadyThere: number;
  readonly complete: boolean;
}

async function report(result: Result, progress: Progress, terminal: Terminal): Promise<void> {
  if (!terminal.isOutTerminal) return terminal.printJson(result);
  const { topics, messages, alreadyThere, complete } = result;
  const there = alreadyThere === 0 ? "" : `, ${countText(alreadyThere)} were there already`;
  const ending = complete ? "" : "; the import is not complete";
  const what = `${countText(messages)} messages into ${countText(topics)} ${topics === 1 ? "topic" : "topics"}`;
  await terminal.print(printable(`imported ${what} in ${progress.seconds().toFixed(1)} s${there}${ending}`));
}
