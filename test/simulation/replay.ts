/** What names a run, so that it can be run again. */

/** Virtual seconds of each seed, unless said otherwise. */
export const DEFAULT_SECONDS = 40;
/** The first of the seeds that `npm test` runs. */
export const SEED_BASE = Number(process.env["RINGCAST_SEED"] ?? 1);

/** The line that runs a seed again, and tells everything. */
export function replayLine(seed: number, seconds = DEFAULT_SECONDS): string {
  const length = seconds === DEFAULT_SECONDS ? "" : ` --seconds ${seconds}`;
  return `npm run simulate -- --seed ${seed}${length} --trace`;
}
