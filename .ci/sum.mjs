/**
 * Adds up vitest's JSON reports of one folder: prints what failed, why, and what was skipped, then `N passed, N failed` as the last line.
 * Exits 1 when a test failed, a test was skipped or a report holds no test.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2] ?? ".cache/ci";
const total = { passed: 0, failed: 0, skipped: 0 };
let broken = false;

for (const name of readdirSync(folder).filter((each) => each.endsWith(".json"))) {
  const report = JSON.parse(readFileSync(join(folder, name), "utf8"));
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ ...test, file: file.name })),
  );
  // A file that fails to load has no tests of its own to count.
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  for (const file of unloaded) console.log(`failed to load: ${file.name}: ${file.message}`);
  for (const test of tests.filter((each) => each.status !== "passed")) {
    console.log(`${name}: ${test.status}: ${test.fullName}`);
    for (const message of test.failureMessages ?? []) console.log(indented(message));
  }
  total.passed += tests.filter((each) => each.status === "passed").length;
  total.failed += tests.filter((each) => each.status === "failed").length + unloaded.length;
  total.skipped += tests.filter((each) => each.status !== "passed" && each.status !== "failed").length;
  if (tests.length === 0) broken = true;
}

if (total.passed === 0) broken = true;
if (total.skipped > 0) console.log(`${total.skipped} skipped, which is a failure here: nothing may be skipped`);
console.log(`${total.passed} passed, ${total.failed + total.skipped} failed`);
process.exitCode = broken || total.failed > 0 || total.skipped > 0 ? 1 : 0;

/** The beginning of what a test said: where only the end of a run is kept, its reason is there too. */
function indented(message) {
  const lines = message.split("\n").slice(0, 12);
  return lines.map((line) => `    ${line.slice(0, 300)}`).join("\n");
}
