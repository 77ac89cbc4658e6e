/**
 * Everything about the sources that can be said without running them: `npm run check`, or `node check.mjs <part>…` for parts of it.
 * The parts know nothing of each other, so they run side by side, as many as there are cores; each one's output comes whole, when it has ended.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(fileURLToPath(import.meta.url));

/** The ones that take the longest come first, so that the last to end began early. */
const PARTS = {
  lint: [["eslint", "."]],
  types: [["tsc", "-p", "tsconfig.check.json"]],
  format: [["prettier", "--check", "--cache", "--cache-location", ".cache/prettier", "--log-level", "warn", "."]],
  packages: [
    ["tsc", "-b"],
    ["tsc", "-p", "server/src/dashboard/page"],
  ],
  rooms: [["depcruise", "--config", ".dependency-cruiser.cjs", "protocol/src", "client-sdk/src", "server/src"]],
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);
for (const name of wanted) {
  if (Object.hasOwn(PARTS, name)) continue;
  process.stderr.write(`There is no part ${JSON.stringify(name)}; there are ${Object.keys(PARTS).join(", ")}.\n`);
  process.exit(2);
}
const waiting = [...wanted];
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));

async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const begun = performance.now();
    const { isGood, output } = await runPart(PARTS[name]);
    const took = ((performance.now() - begun) / 1000).toFixed(1);
    process.stdout.write(`${output}${isGood ? "✓" : "✗"} ${name} (${took} s)\n`);
    if (!isGood) process.exitCode = 1;
  }
}

/** Runs its commands one after another, up to the first that fails. */
async function runPart(commands) {
  let output = "";
  for (const command of commands) {
    const result = await run(command);
    output += result.output;
    if (result.code !== 0) return { isGood: false, output };
  }
  return { isGood: true, output };
}

function run([program, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(ROOT, "node_modules/.bin", program), args, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
