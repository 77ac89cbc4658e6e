/** The part of docs/performance.md that is made from bench/results. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { figureText, FIGURES } from "./figures.js";
import { machineText } from "./machine.js";
import { partsOrigin, partsTable, type PartsOfRows } from "./parts.js";
import { referenceTable } from "./references.js";
import { spreadOf, type RowResult, type Run, type ScenarioResult, type Series } from "./result.js";
import { markdownText, rowTable, verdictTable, type Table } from "./table.js";
import { TARGETS } from "./targets.js";
import { judge } from "./verdicts.js";

const PATH = join(dirname(fileURLToPath(import.meta.url)), "../../docs/performance.md");
const BEGIN = "<!-- made by npm run bench -- --docs: from here -->";
const MACHINE_ABOUT =
  "Targets in nanoseconds were set on another machine with two cores, by what a load generator in C measured there. What the same servers came to there and here tells what this one makes of them; " +
  "ratios between servers need no such help.";
const PARTS_ABOUT =
  "The times above, divided by where `perf` met the server in turns of their own (`npm run bench -- --profile`): in the kernel, in uWebSockets.js, in JavaScript as V8 has compiled or interprets it, " +
  "or in anything else (V8's garbage collection and its calls between JavaScript and C++, Node, libc's copies; of servers that aren't made with Node all of their own code). What a server does before a window, warming up included, is in it.";
const END = "<!-- made by npm run bench -- --docs: up to here -->";

/** What is said of a scenario besides its figures. */
interface Described {
  readonly name: string;
  readonly about: string;
}

/** Writes it anew. @throws Error when the page lacks the marks between which it stands */
export function writeDocs(
  scenarios: readonly Described[],
  results: readonly ScenarioResult[],
  parts: PartsOfRows,
): void {
  const page = readFileSync(PATH, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md lacks ${BEGIN} or ${END}`);
  const text = performanceText(scenarios, results, parts);
  writeFileSync(PATH, `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`);
}

/** Targets, then where the time goes, then each scenario's tables, then who took part. */
export function performanceText(
  scenarios: readonly Described[],
  results: readonly ScenarioResult[],
  parts: PartsOfRows = {},
): string {
  const rows = results.flatMap((result) => result.rows);
  return [
    "### Targets",
    runsText(rows),
    markdownText(verdictTable(judge(TARGETS, rows))),
    ...tableTexts("### The machine", MACHINE_ABOUT, referenceTable(rows)),
    ...tableTexts(
      "### Where the time goes",
      `${PARTS_ABOUT} At commit ${partsOrigin(parts)}.`,
      partsTable(rows, parts),
    ),
    ...results.flatMap((result) =>
      scenarioTexts(result, scenarios.find(({ name }) => name === result.scenario)?.about),
    ),
    "### Who took part",
    markdownText(participants(rows)),
  ].join("\n\n");
}

function tableTexts(heading: string, about: string, table: Table): readonly string[] {
  return table.body.length === 0 ? [] : [heading, about, markdownText(table)];
}

/** Rows with targets have tables of their own with bars; the others are lines of one. */
function scenarioTexts({ scenario, title, rows }: ScenarioResult, about: string | undefined): readonly string[] {
  const isTarget = ({ id }: RowResult): boolean => TARGETS.some((target) => target.row === id);
  const others = rows.filter((row) => !isTarget(row));
  return [
    `### ${title}`,
    ...(about === undefined ? [] : [about]),
    `\`npm run bench -- ${scenario}\``,
    ...rows.filter(isTarget).flatMap((row) => [markdownText(rowTable(row)), ...limitText(row)]),
    ...(others.length === 0 ? [] : [markdownText(overview(others))]),
  ];
}

function limitText({ limit }: RowResult): readonly string[] {
  return limit === undefined ? [] : [`What limits it: ${limit}.`];
}

/** The first figure of each row and server. */
function overview(rows: readonly RowResult[]): Table {
  const names = [...new Set(rows.flatMap(({ series }) => series.map(({ name }) => name)))];
  return {
    title: "More rows",
    head: ["", "", ...names, ""],
    body: rows.map((row) => [
      row.title,
      FIGURES[row.figures[0]!].label.replace(/each$/, `a ${row.unit}`),
      ...names.map((name) =>
        cellOf(
          row,
          row.series.find((series) => series.name === name),
        ),
      ),
      "",
    ]),
  };
}

function cellOf(row: RowResult, series: Series | undefined): string {
  const spread = series === undefined ? undefined : spreadOf(series, row.figures[0]!);
  return spread === undefined ? "" : figureText(row.figures[0]!, spread.median);
}

/** Machine, commit and command of all runs that the rows are from, the latest first. */
function runsText(rows: readonly RowResult[]): string {
  const runs = new Map(rows.map(({ run }) => [run.date, run]));
  return [...runs.values()]
    .toSorted((a, b) => b.date.localeCompare(a.date))
    .map((run) => `- ${runText(run, rows.filter(({ run: { date } }) => date === run.date).length)}`)
    .join("\n");
}

function runText({ machine, commit, command, date, seconds, rounds }: Run, rows: number): string {
  return (
    `${rows} row${rows === 1 ? "" : "s"} on ${date.slice(0, 10)}: \`${command}\` at commit ${commit}, medians of ${rounds} turns with windows of ${seconds} s; ` +
    `${machineText(machine)}, load ${machine.loadBefore} before`
  );
}

function participants(rows: readonly RowResult[]): Table {
  const notes = new Map<string, string>();
  for (const { series } of rows) for (const each of series) notes.set(each.name, (each.notes ?? []).join(" "));
  const versions = Object.assign({}, ...rows.map(({ run }) => run.versions)) as Record<string, string>;
  return {
    title: "Servers",
    head: ["", "version", "what is to be known", ""],
    body: [...notes]
      .filter(([name]) => versions[name] !== undefined)
      .map(([name, note]) => [name, versions[name] ?? "", note, ""]),
  };
}
