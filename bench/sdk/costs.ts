/** Costs of one message, and the table of them. */
import type { Outcome } from "./task.js";

/** Of one message, in one turn. */
export interface Cost {
  readonly cpuUs: number;
  readonly wallUs: number;
}

export interface RowCosts {
  readonly name: string;
  /** By contender, turn by turn. */
  readonly contenders: Readonly<Record<string, readonly Cost[]>>;
}

export function costOf({ cpuMs, wallMs }: Outcome, messages: number): Cost {
  return { cpuUs: (cpuMs * 1_000) / messages, wallUs: (wallMs * 1_000) / messages };
}

/** @param baseline the contender that the others are compared with: turn by turn, as those happened one after the other */
export function sdkTable(rows: readonly RowCosts[], baseline: string): string {
  const lines = rows.flatMap(({ name, contenders }) =>
    Object.entries(contenders).map(([contender, costs]) => {
      const cpu = costs.map(({ cpuUs }) => cpuUs);
      const base = contenders[baseline];
      const ratios = costs.map(({ cpuUs }, turn) => cpuUs / (base?.[turn]?.cpuUs ?? NaN));
      return [
        name,
        contender,
        micros(median(cpu)),
        `${micros(Math.min(...cpu))} – ${micros(Math.max(...cpu))}`,
        micros(median(costs.map(({ wallUs }) => wallUs))),
        contender === baseline || base === undefined ? "" : `${median(ratios).toFixed(2)} ×`,
      ];
    }),
  );
  const all = [["each message", "", "CPU", "from – to", "wall", `CPU to ${baseline}`], ...lines];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((cells) => cells[column]!.length)));
  return all
    .map((cells) =>
      cells.map((cell, at) => (at < 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  "),
    )
    .join("\n");
}

function micros(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} µs`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
