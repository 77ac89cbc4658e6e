/**
 * Runs the integration suite on every supported version of Node, once more on 20 with the other transport, and prints one line
 * `N passed, N failed` over all runs. Leaves one JSON report of vitest per run in the folder of `--results`.
 *
 *     node .ci/node-matrix.mjs [--results <folder>] [test file, …]
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { tsImport } from "tsx/esm/api";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { nodeBinary, noBinaries } = await tsImport("../test/support/node-versions.ts", import.meta.url);
const { values, positionals } = parseArgs({ options: { results: { type: "string" } }, allowPositionals: true });
const results = resolve(values.results ?? join(ROOT, ".cache/node-matrix"));
mkdirSync(results, { recursive: true });

const RUNS = [
  { name: "node-20-uws", major: 20, transport: "uws" },
  { name: "node-20-ws", major: 20, transport: "ws" },
  { name: "node-22", major: 22 },
  { name: "node-24", major: 24 },
  { name: "node-26", major: 26 },
];

const total = { passed: 0, failed: 0 };
for (const run of RUNS) {
  const counted = runSuite(run);
  total.passed += counted.passed;
  total.failed += counted.failed;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

/** A run that breaks off without a report counts as one failure. */
function runSuite({ name, major, transport }) {
  const report = join(results, `${name}.json`);
  rmSync(report, { force: true });
  const node = binaryFor(major);
  if (node === undefined) return { passed: 0, failed: 0 };
  console.log(`\n── ${name}`);
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", "integration", ...positionals];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = spawnSync(node, [...vitest, ...reporters], {
    cwd: ROOT,
    stdio: "inherit",
    env: environment(transport),
  });
  return count(report, status);
}

/** @returns undefined, aloud, where this machine can't have that version */
function binaryFor(major) {
  if (Number(process.versions.node.split(".")[0]) === major) return process.execPath;
  if (noBinaries === undefined) return nodeBinary(major);
  console.log(`\n── SKIPPED Node ${major}: ${noBinaries}`);
  return undefined;
}

function environment(transport) {
  const { RINGCAST_TEST_TRANSPORT: _, ...rest } = process.env;
  return transport === undefined ? rest : { ...rest, RINGCAST_TEST_TRANSPORT: transport };
}

function count(report, status) {
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, numTotalTests } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    // A file that fails to load has no test to fail; errors outside of tests show in the exit code alone.
    const unseen = numFailedTests === 0 && (status !== 0 || numFailedTestSuites > 0 || numTotalTests === 0) ? 1 : 0;
    return { passed: numPassedTests, failed: numFailedTests + unseen };
  } catch (error) {
    console.log(`no report: ${error.message}`);
    return { passed: 0, failed: 1 };
  }
}
