/** Adds up what many seeds have done. */
import type { SeedResult } from "./run-seed.js";

export class Tally {
  failures = 0;
  readonly counts = { publishes: 0, acknowledged: 0, delivered: 0, readers: 0, faults: 0 };
  /** How often each fault took effect. */
  readonly faults = new Map<string, number>();
  #seeds = 0;
  #virtualMs = 0;
  #tookMs = 0;

  add({ anomalies, vacuous, counts, history, virtualMs }: SeedResult, tookMs: number): void {
    this.#seeds++;
    this.#virtualMs += virtualMs;
    this.#tookMs += tookMs;
    if (anomalies.length + vacuous.length > 0) this.failures++;
    for (const name of Object.keys(this.counts) as (keyof typeof this.counts)[]) this.counts[name] += counts[name];
    for (const event of history)
      if (event.type === "fault") this.faults.set(event.name, (this.faults.get(event.name) ?? 0) + 1);
  }

  summary(): string {
    const { publishes, acknowledged, delivered, readers, faults } = this.counts;
    const hours = (this.#virtualMs / 3_600_000).toFixed(1);
    const speed = Math.round(this.#virtualMs / Math.max(1, this.#tookMs));
    const each = [...this.faults].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
    return [
      `${this.#seeds} seeds, ${this.failures} failed; ${hours} virtual hours, ${speed} virtual seconds a second`,
      `${publishes} publishes, ${acknowledged} acknowledged; ${delivered} deliveries to ${readers} readers`,
      `${faults} faults: ${each.join(", ")}`,
    ].join("\n");
  }
}
