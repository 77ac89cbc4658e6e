/**
 * `npm test`: everything that can be said about the sources (check.mjs) and all tests but those of what is released, side by side, because the tests wait
 * for processes and sockets half of their time. Arguments go to vitest. What the checks say comes behind the tests.
 */
import { spawn } from "node:child_process";
import { setPriority } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(fileURLToPath(import.meta.url));
/** The checks take what the tests leave. */
const LOW_PRIORITY = 10;

const checks = run(["check.mjs"], "pipe");
if (checks.child.pid !== undefined) setPriority(checks.child.pid, LOW_PRIORITY);
const said = [];
checks.child.stdout.on("data", (piece) => said.push(piece));
checks.child.stderr.on("data", (piece) => said.push(piece));

const tests = run(
  ["node_modules/vitest/vitest.mjs", "run", "--project", "!release", ...process.argv.slice(2)],
  "inherit",
);
const isTested = await tests.isGood;
const isChecked = await checks.isGood;
process.stdout.write(`\nChecks of the sources\n${Buffer.concat(said).toString()}`);
process.exitCode = isTested && isChecked ? 0 : 1;

function run(args, output) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", output, output] });
  const isGood = new Promise((resolve) => child.once("close", (code) => resolve(code === 0)));
  return { child, isGood };
}
