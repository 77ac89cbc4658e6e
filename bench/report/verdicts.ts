/** Judges what was measured by the targets. */
import { FIGURES, figureText, type FigureName } from "./figures.js";
import { spreadOf, type RowResult } from "./result.js";
import type { Condition, Target } from "./targets.js";

export interface Verdict {
  /** Row's title and server. */
  readonly what: string;
  /** `server CPU each at most 130 ns` */
  readonly target: string;
  /** What was measured, in the terms of the target: `95.2 ns`, `3.1 ×`. */
  readonly figure: string;
  readonly outcome: "met" | "NOT met" | "not measured";
}

/** One verdict for each condition of each target whose row was measured. */
export function judge(targets: readonly Target[], rows: readonly RowResult[]): readonly Verdict[] {
  return targets.flatMap((target) => {
    const row = rows.find(({ id }) => id === target.row);
    if (row === undefined) return [];
    return target.conditions.map((condition) => verdictOf(target, condition, row));
  });
}

function verdictOf({ contender, figure }: Target, condition: Condition, row: RowResult): Verdict {
  const what = `${row.title}: ${contender}`;
  const target = `${FIGURES[figure].label} ${conditionText(figure, condition)}`;
  const own = medianOf(row, contender, figure);
  const other = otherOf(condition);
  const theirs = other === undefined ? undefined : medianOf(row, other, figure);
  if (own === undefined || (other !== undefined && theirs === undefined)) {
    return { what, target, figure: own === undefined ? "" : figureText(figure, own), outcome: "not measured" };
  }
  return { what, target, ...compare(figure, condition, own, theirs ?? 0) };
}

function compare(
  figure: FigureName,
  condition: Condition,
  own: number,
  theirs: number,
): Pick<Verdict, "figure" | "outcome"> {
  const ownText = figureText(figure, own);
  if ("atMost" in condition) return { figure: ownText, outcome: outcomeOf(own <= condition.atMost) };
  if ("atLeast" in condition) return { figure: ownText, outcome: outcomeOf(own >= condition.atLeast) };
  const pair = `${ownText} and ${figureText(figure, theirs)}`;
  if ("times" in condition) {
    const times = FIGURES[figure].better === "lower" ? theirs / own : own / theirs;
    return { figure: `${factorText(times)} × (${pair})`, outcome: outcomeOf(times >= condition.times) };
  }
  return {
    figure: `${factorText(own / theirs)} × (${pair})`,
    outcome: outcomeOf(own <= condition.within * theirs + (condition.plus ?? 0)),
  };
}

function outcomeOf(isMet: boolean): Verdict["outcome"] {
  return isMet ? "met" : "NOT met";
}

function medianOf(row: RowResult, contender: string, figure: FigureName): number | undefined {
  const series = row.series.find(({ name }) => name === contender);
  return series === undefined ? undefined : spreadOf(series, figure)?.median;
}

function otherOf(condition: Condition): string | undefined {
  if ("asGoodAs" in condition) return condition.asGoodAs;
  return "of" in condition ? condition.of : undefined;
}

function conditionText(figure: FigureName, condition: Condition): string {
  if ("atMost" in condition) return `at most ${figureText(figure, condition.atMost)}`;
  if ("atLeast" in condition) return `at least ${figureText(figure, condition.atLeast)}`;
  if ("times" in condition) return `at least ${condition.times} × as good as ${condition.asGoodAs}`;
  const { within, of, plus = 0 } = condition;
  if (plus === 0) return `at most ${within} × that of ${of}`;
  return `at most ${within === 1 ? "" : `${within} × `}that of ${of} and ${figureText(figure, plus)}`;
}

function factorText(factor: number): string {
  return factor >= 100 ? factor.toFixed(0) : factor.toPrecision(3);
}
