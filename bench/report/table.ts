/** Rows as tables: what stands in their cells, for a terminal and as Markdown. */
import { FIGURES, figureText, type FigureName } from "./figures.js";
import type { Verdict } from "./verdicts.js";
import { isGeneratorBound, spreadOf, type RowResult, type Series } from "./result.js";

const BAR_WIDTH = 20;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/** What shows who was busy, wherever it was measured. */
const BUSY: readonly FigureName[] = ["serverCores", "generatorCores"];
/** A server's own words can be long. */
const FAILURE_SHOWN = 100;
const GENERATOR_BOUND = "the generator was the limit";

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly body: readonly (readonly string[])[];
}

/** A row's servers, one a line, in the order in which the scenario names them. */
export function rowTable(row: RowResult): Table {
  const figures = columnsOf(row);
  const first = figures[0]!;
  const longest = Math.max(...row.series.map((series) => spreadOf(series, first)?.median ?? 0));
  return {
    title: row.title,
    head: ["", "", headOf(first, row.unit), "from – to", ...figures.slice(1).map((name) => headOf(name, row.unit)), ""],
    body: row.series.map((series) => {
      const spread = spreadOf(series, first);
      return [
        series.name,
        spread === undefined ? "" : bar(spread.median / longest),
        spread === undefined ? "–" : figureText(first, spread.median),
        spread === undefined ? "" : `${figureText(first, spread.min)} – ${figureText(first, spread.max)}`,
        ...figures.slice(1).map((name) => cellOf(series, name)),
        remarkOf(series),
      ];
    }),
  };
}

/** One line for each condition of each target. */
export function verdictTable(verdicts: readonly Verdict[]): Table {
  const count = (outcome: Verdict["outcome"]): number => verdicts.filter((each) => each.outcome === outcome).length;
  const unknown = count("not measured");
  return {
    title:
      `Targets: ${count("met")} of ${verdicts.length} met, ${count("NOT met")} not met` +
      (unknown === 0 ? "" : `, ${unknown} not measured`),
    head: ["", "target", "figure", "", ""],
    body: verdicts.map(({ what, target, figure, outcome }) => [what, target, figure, outcome, ""]),
  };
}

/** Aligned by spaces: text to the left, figures to the right. */
export function terminalText({ title, head, body }: Table): string {
  const columns = usedColumns(head, body);
  const widths = columns.map((at) => Math.max(...[head, ...body].map((cells) => cells[at]!.length)));
  const line = (cells: readonly string[]): string =>
    columns
      .map((at, n) => (isFigure(at, head) ? pad(cells[at]!, widths[n]!, true) : pad(cells[at]!, widths[n]!, false)))
      .join("  ")
      .trimEnd();
  return [title, ...[head, ...body].map((cells) => `  ${line(cells)}`)].join("\n");
}

/** A GitHub table below its title in bold. */
export function markdownText({ title, head, body }: Table): string {
  const columns = usedColumns(head, body);
  const line = (cells: readonly string[]): string => `| ${columns.map((at) => cells[at]!).join(" | ")} |`;
  const rule = `| ${columns.map((at) => (isFigure(at, head) ? "---:" : "---")).join(" | ")} |`;
  return [`**${title}**`, "", line(head), rule, ...body.map(line)].join("\n");
}

function columnsOf(row: RowResult): readonly FigureName[] {
  const isThere = (name: FigureName): boolean => row.series.some((series) => spreadOf(series, name) !== undefined);
  return [row.figures[0]!, ...row.figures.slice(1).filter(isThere), ...BUSY.filter(isThere)];
}

function headOf(name: FigureName, unit: string): string {
  return name === "perSecond"
    ? `${plural(unit)} ${FIGURES[name].label}`
    : FIGURES[name].label.replace(/each$/, `a ${unit}`);
}

function plural(unit: string): string {
  if (unit === "KiB") return unit;
  return unit.endsWith("y") ? `${unit.slice(0, -1)}ies` : `${unit}s`;
}

function cellOf(series: Series, name: FigureName): string {
  const spread = spreadOf(series, name);
  return spread === undefined ? "–" : figureText(name, spread.median);
}

function remarkOf(series: Series): string {
  const remarks = [
    ...(isGeneratorBound(series) ? [GENERATOR_BOUND] : []),
    ...(series.failures.length === 0 ? [] : [`failed ${series.failures.length} ×: ${shortened(series.failures[0]!)}`]),
  ];
  return remarks.join("; ");
}

function shortened(text: string): string {
  const line = text.split("\n", 1)[0]!;
  return line.length <= FAILURE_SHOWN ? line : `${line.slice(0, FAILURE_SHOWN - 1)}…`;
}

/** Its length is the share, so that bars of one table can be compared by eye. */
function bar(share: number): string {
  const eighths = Math.max(1, Math.round(share * BAR_WIDTH * 8));
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7]!;
}

/** Columns in which nothing stands are left out; that of the names stays. */
function usedColumns(head: readonly string[], body: readonly (readonly string[])[]): readonly number[] {
  return head.map((_, at) => at).filter((at) => at === 0 || body.some((cells) => cells[at] !== ""));
}

/** Name, bar and remark are text. */
function isFigure(at: number, head: readonly string[]): boolean {
  return at > 1 && at < head.length - 1;
}

/** No character of these tables takes more than one unit of a string, or more than one column. */
function pad(text: string, to: number, isRight: boolean): string {
  const space = " ".repeat(Math.max(0, to - text.length));
  return isRight ? space + text : text + space;
}
