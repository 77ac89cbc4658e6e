import { DEFAULT_SECONDS } from "./run-seed.js";

/** The line that runs a seed again, and tells everything. */
export function replayLine(seed: number, seconds = DEFAULT_SECONDS): string {
  const length = seconds === DEFAULT_SECONDS ? "" : ` --seconds ${seconds}`;
  return `npm run simulate -- --seed ${seed}${length} --trace`;
}
