/** `ringcast check`: verifies a data directory that no hub has. */
import { RingcastError } from "@ringcast/protocol";
import type { CheckProblem, CheckReport } from "../log/index.js";
import type { Command } from "./command.js";
import { printable } from "./printable.js";
import { countText, Progress } from "./progress.js";
import { EXIT, sayError, type Terminal } from "./terminal.js";
import { bytesText } from "./top/view.js";
import { UsageError } from "./usage.js";

const DEFAULT_DATA = "./data";

export const check: Command = {
  usage: ["[<data>] [options]"],
  options: {
    json: { type: "boolean", description: "Prints lines of JSON on a terminal too" },
    help: { type: "boolean", short: "h", description: "Shows this text" },
  },
  notes: `Reads every record of every log and compares it with its checks; changes nothing. Without a directory it takes
${DEFAULT_DATA}. Exit codes: 0 all is well (notes may be told), 1 something is damaged, 2 it can't be checked, e.g. because
a hub is running on it. Piped, each finding is a line of JSON, and the last line the summary.`,
  examples: [
    ["ringcast check /var/lib/ringcast", "a hub that was stopped"],
    ["ringcast check --json | jq -r .advice", "what to do"],
  ],
  run: async (args, terminal) => {
    const [data = DEFAULT_DATA, ...rest] = args.positionals;
    if (rest.length > 0) throw new UsageError("Name one data directory: ringcast check <data>.");
    const progress = new Progress(terminal, "bytes");
    try {
      // Loaded here alone: it brings native libraries that no other command needs.
      const { checkDirectory } = await import("../log/index.js");
      const report = await checkDirectory(data, {
        signal: terminal.interrupted,
        onProgress: ({ doneBytes, totalBytes }) => progress.update(doneBytes, doneBytes / Math.max(1, totalBytes)),
      });
      progress.end();
      await print(report, { isJson: args.isOn("json") || !terminal.isOutTerminal, terminal });
      if (terminal.interrupted.aborted) return EXIT.failure;
      return report.problems.some(({ severity }) => severity === "damage") ? EXIT.failure : EXIT.ok;
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      sayError(terminal, error.message);
      return EXIT.usage;
    }
  },
};

async function print(
  report: CheckReport,
  { isJson, terminal }: { isJson: boolean; terminal: Terminal },
): Promise<void> {
  const { problems, ...summary } = report;
  const damages = problems.filter(({ severity }) => severity === "damage").length;
  if (isJson) {
    for (const problem of problems) await terminal.printJson(problem);
    await terminal.printJson({ ...summary, damages, notes: problems.length - damages });
    return;
  }
  for (const problem of problems) await printProblem(problem, terminal);
  const { topics, logs, records, bytes, tookMs } = summary;
  const what = `${countText(records)} records of ${countText(topics)} topics in ${countText(logs)} logs, ${bytesText(bytes)}`;
  await terminal.print(`checked ${what}, in ${(tookMs / 1000).toFixed(1)} s`);
  const verdict = damages === 0 ? terminal.colour("green", "all is well") : terminal.colour("red", damageText(damages));
  await terminal.print(verdict);
}

function damageText(damages: number): string {
  return damages === 1 ? "one place is damaged" : `${countText(damages)} places are damaged`;
}

async function printProblem(problem: CheckProblem, terminal: Terminal): Promise<void> {
  const { severity, topic, partition, file, what, advice } = problem;
  const place = topic === undefined ? (file ?? "") : `${topic}/${String(partition ?? "")}`;
  const mark = severity === "damage" ? terminal.colour("red", "damage") : terminal.colour("yellow", "note");
  await terminal.print(`${mark}  ${terminal.colour("bold", printable(place))}  ${printable(what)}`);
  await terminal.print(`        ${printable(advice)}`);
}
