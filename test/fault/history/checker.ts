/**
 * Judges a history: were the promises kept? In the manner of Jepsen's checkers (https://jepsen.io/consistency), over the whole history at once.
 */
import type { Anomaly, History } from "./history.js";
import { indexOf, type HistoryIndex } from "./history-index.js";
import { agreement } from "./rules/agreement.js";
import { answers } from "./rules/answers.js";
import { delivery } from "./rules/delivery.js";
import { durability } from "./rules/durability.js";

/** What a run must have done to say anything. */
export interface Demands {
  readonly acknowledged: number;
  readonly faults: number;
}

export interface Verdict {
  readonly anomalies: readonly Anomaly[];
  /** Why the run says nothing, where it doesn't. */
  readonly vacuous: readonly string[];
  readonly counts: Counts;
}

/** What was tried. */
export interface Counts {
  readonly publishes: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly delivered: number;
  readonly gaps: number;
  readonly readers: number;
  readonly faults: number;
}

/** More unknown outcomes than this share, and hardly anything was promised. */
const MOST_UNKNOWN = 0.5;

/**
 * @throws Error where the history contradicts itself: an answer to nobody's call
 */
export function judge(history: History, demands: Demands): Verdict {
  const index = indexOf(history);
  const counts = countsOf(index);
  const rules = [durability, answers, delivery, agreement];
  return { anomalies: rules.flatMap((rule) => rule(index)), vacuous: vacuity(counts, demands), counts };
}

function vacuity({ publishes, acknowledged, refused, faults }: Counts, demands: Demands): string[] {
  const reasons: string[] = [];
  if (acknowledged < demands.acknowledged)
    reasons.push(`${acknowledged} publishes were acknowledged, ${demands.acknowledged} are demanded`);
  if (faults < demands.faults) reasons.push(`${faults} faults took effect, ${demands.faults} are demanded`);
  const unknown = publishes - acknowledged - refused;
  if (unknown > publishes * MOST_UNKNOWN)
    reasons.push(`the outcome of ${unknown} of ${publishes} publishes is unknown`);
  return reasons;
}

function countsOf({ calls, readings, readers, events, faults }: HistoryIndex): Counts {
  const ended = (outcome: string): number => calls.filter((call) => call.outcome === outcome).length;
  return {
    publishes: calls.length,
    acknowledged: ended("ok"),
    refused: ended("refused"),
    unknown: ended("unknown") + ended("none"),
    delivered: readings.filter(({ by }) => readers.has(by)).length,
    gaps: events.filter(({ type }) => type === "gap").length,
    readers: readers.size,
    faults: faults.length,
  };
}
