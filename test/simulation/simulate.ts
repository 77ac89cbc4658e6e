/**
 * `npm run simulate -- --seed N [--seeds M] [--seconds S] [--trace]`: runs one seed or a range of them. A failure says how it is run again; with `--trace`
 * everything that happened is told as well.
 */
import { parseArgs } from "node:util";
import { ANOMALIES } from "../fault/history/history.js";
import { DEFAULT_SECONDS, replayLine } from "./replay.js";
import { runSeed } from "./run-seed.js";
import { Tally } from "./tally.js";
import { Trace } from "./trace.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    seconds: { type: "string", default: String(DEFAULT_SECONDS) },
    trace: { type: "boolean", default: false },
  },
});
const [first, count, seconds] = [values.seed, values.seeds, values.seconds].map(Number) as [number, number, number];
if (![first, count, seconds].every((each) => Number.isSafeInteger(each) && each >= 0)) {
  console.error("--seed, --seeds and --seconds are whole numbers.");
  process.exit(2);
}

const tally = new Tally();
for (let seed = first; seed < first + count; seed++) await run(seed);
console.log(tally.summary());
process.exitCode = tally.failures === 0 ? 0 : 1;

async function run(seed: number): Promise<void> {
  const trace = new Trace();
  const begun = performance.now();
  try {
    const result = await runSeed(seed, { seconds, onEvent: (atMs, event) => trace.hub(atMs, event) });
    tally.add(result, performance.now() - begun);
    if (values.trace) trace.print(result.history);
    const { counts, virtualMs, anomalies, vacuous } = result;
    const done = `${counts.acknowledged} of ${counts.publishes} publishes, ${counts.delivered} deliveries, ${counts.faults} faults`;
    console.log(`seed ${seed}: ${(virtualMs / 1_000).toFixed(0)} s, ${done}`);
    for (const { name, what } of anomalies) console.log(`  ${name} (${ANOMALIES[name]}): ${what}`);
    for (const reason of vacuous) console.log(`  says nothing: ${reason}`);
    if (anomalies.length + vacuous.length > 0) console.log(`  again: ${replayLine(seed, seconds)}`);
  } catch (error) {
    tally.failures++;
    if (values.trace) trace.print([]);
    console.log(error);
  }
}
