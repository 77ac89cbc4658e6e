/**
 * `npm run bench`: puts scenarios to the hub and to what people would use instead, in turns.
 *
 *   npm run bench                       the rows that targets are about, windows of 2 s, and what of the targets is met
 *   npm run bench -- fanout ingest      all rows of these scenarios
 *   npm run bench -- all                all rows of all
 *
 *   --seconds 2      length of a window           --rounds 3       turns of each server
 *   --only <text>    rows with this in their id   --peers a,b      these servers only, by the names in the tables
 *   --json           results on standard output   --markdown       tables as Markdown
 *   --results <dir>  where results are kept, bench/results when left out
 *   --docs           write docs/performance.md's generated part from bench/results, after what is measured
 *   --no-run         measure nothing              --before <launcher>  another build of the hub beside this one
 *   --profile        look where each server's processor time goes (perf), and keep that instead of the figures
 */
import { parseArgs } from "node:util";
import { PEERS } from "./peers/index.js";
import type { Peer } from "./peers/peer.js";
import { ringcastPeers } from "./peers/ringcast.js";
import { writeDocs } from "./report/docs.js";
import { partsTable, readParts, writeParts } from "./report/parts.js";
import { machineText, thisCommit, thisMachine } from "./report/machine.js";
import type { RowResult, Run, Skipped } from "./report/result.js";
import { readResults, RESULTS, writeResults } from "./report/results.js";
import { markdownText, rowTable, terminalText, verdictTable } from "./report/table.js";
import { namesIn, TARGETS } from "./report/targets.js";
import { judge } from "./report/verdicts.js";
import { SCENARIOS } from "./scenarios/index.js";
import { PERF_INSTALL, mayRecord } from "./support/perf-recording.js";
import { runRow, turnsOf } from "./scenarios/runner.js";
import type { Row, Scenario } from "./scenarios/scenario.js";
import { Progress } from "./support/progress.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "2" },
    "warm-up": { type: "string", default: "0.5" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    peers: { type: "string" },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    results: { type: "string", default: RESULTS },
    docs: { type: "boolean", default: false },
    before: { type: "string" },
    "no-run": { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
  },
});

/** What nearly everything is measured by. */
const YARDSTICKS = ["raw uWebSockets.js", "NATS"];

/** One row with the servers that will take part. */
interface Planned {
  readonly scenario: Scenario;
  readonly row: Row;
  readonly contenders: readonly Peer[];
}

// Servers are ended when this process ends in good order only.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const options = {
  seconds: Number(values.seconds),
  warmUpSeconds: Number(values["warm-up"]),
  rounds: Number(values.rounds),
  isProfiled: values.profile,
};
const wanted = values.peers?.split(",").map((name) => name.trim());
const { installed, skipped } = lookForPeers();
if (!values["no-run"]) await runAll();
if (values.docs) writeDocs(SCENARIOS, readResults(SCENARIOS, values.results), readParts(values.results));

async function runAll(): Promise<void> {
  const plan = planRun();
  if (plan.length === 0) fail("No row fits: see --only and --peers.");
  if (options.isProfiled && !mayRecord()) fail(`--profile needs perf, and the right to use it: ${PERF_INSTALL}`);
  for (const { name, install } of skipped) process.stderr.write(`skipped: ${name} is not installed (${install})\n`);
  const run = describeRun();
  if (!values.json) console.log(`${machineText(run.machine)}, commit ${run.commit}\n`);
  const progress = new Progress(
    plan.reduce((sum, { row, contenders }) => sum + turnsOf(row, options) * contenders.length, 0),
  );
  const rows: RowResult[] = [];
  for (const { scenario, row, contenders } of plan) {
    const { result: measured, parts } = await runRow(row, contenders, options, progress);
    const result: RowResult = { ...measured, run };
    rows.push(result);
    // At once, so that nothing is lost when the run is ended early.
    const rowParts = { commit: run.commit, date: run.date, servers: parts };
    if (options.isProfiled) writeParts(row.id, rowParts, values.results);
    else writeResults(scenario, [result], values.results);
    progress.end();
    if (!values.json) print(options.isProfiled ? partsTable([result], { [row.id]: rowParts }) : rowTable(result));
  }
  const verdicts = judge(TARGETS, rows);
  if (values.json) console.log(JSON.stringify({ run, skipped, rows, verdicts }, undefined, 2));
  else if (verdicts.length > 0 && !options.isProfiled) print(verdictTable(verdicts));
}

/** Without a scenario the rows that targets are about. */
function planRun(): readonly Planned[] {
  const isAll = positionals.includes("all");
  const unknown = positionals.filter((name) => name !== "all" && !SCENARIOS.some((each) => each.name === name));
  if (unknown.length > 0)
    fail(
      `There is no scenario ${unknown.join(", ")}; there are ${SCENARIOS.map(({ name }) => name).join(", ")} and all.`,
    );
  const isShort = positionals.length === 0 && values.only === undefined;
  return SCENARIOS.filter(({ name }) => isAll || positionals.length === 0 || positionals.includes(name))
    .flatMap((scenario) => scenario.rows.map((row) => ({ scenario, row })))
    .filter(({ row }) => isAskedFor(row))
    .map(({ scenario, row }) => ({
      scenario,
      row,
      contenders: row.contenders
        .filter((peer) => takesPart(peer) && (!isShort || isInTargets(row, peer)))
        .flatMap(withBefore),
    }))
    .filter(({ contenders }) => contenders.length > 0);
}

/** By its whole id, or else by a part of it. */
function isAskedFor({ id }: Row): boolean {
  const { only } = values;
  if (only === undefined || id === only) return true;
  return id.includes(only) && !SCENARIOS.some(({ rows }) => rows.some((row) => row.id === only));
}

/** Servers that a row's targets name; in any row that has targets also those that nearly all are measured by. */
function isInTargets(row: Row, { name }: Peer): boolean {
  const targets = TARGETS.filter((target) => target.row === row.id);
  return targets.length > 0 && (YARDSTICKS.includes(name) || targets.some((target) => namesIn(target).includes(name)));
}

/** Those that only a scenario knows are the hub in some other form. */
function takesPart(peer: Peer): boolean {
  const isNamed = PEERS.some(({ name }) => name === peer.name);
  return (!isNamed || installed.has(peer.name)) && (wanted === undefined || !isNamed || wanted.includes(peer.name));
}

/** A hub takes turns with the same of the other build. */
function withBefore(peer: Peer): readonly Peer[] {
  const before = ringcastPeers(values.before).find(({ name }) => name === peer.name);
  return values.before === undefined || before === undefined
    ? [peer]
    : [peer, { ...before, name: `${peer.name} before` }];
}

function lookForPeers(): { readonly installed: ReadonlyMap<string, string>; readonly skipped: readonly Skipped[] } {
  const unknown = wanted?.filter((name) => !PEERS.some((peer) => peer.name === name)) ?? [];
  if (unknown.length > 0)
    fail(`No server is called ${unknown.join(", ")}; there are ${PEERS.map(({ name }) => name).join(", ")}.`);
  const found = new Map<string, string>();
  const missing: Skipped[] = [];
  for (const peer of PEERS) {
    const version = peer.version();
    if (version !== undefined) found.set(peer.name, version);
    else missing.push({ name: peer.name, install: peer.install });
  }
  return { installed: found, skipped: missing };
}

function describeRun(): Run {
  return {
    machine: thisMachine(),
    commit: thisCommit(),
    command: ["npm run bench", ...(process.argv.length > 2 ? ["--"] : []), ...process.argv.slice(2)].join(" "),
    date: new Date().toISOString(),
    seconds: options.seconds,
    rounds: options.rounds,
    versions: Object.fromEntries(installed),
  };
}

function print(table: Parameters<typeof terminalText>[0]): void {
  console.log(`${values.markdown ? markdownText(table) : terminalText(table)}\n`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
