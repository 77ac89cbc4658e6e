/**
 * Shows a bug of the track record (docs/guarantees.md) as it was on the commit before its repair: the product of that commit, with the tests of the repair.
 *
 *     npm run show-bug -- <commit of the repair> [--tests <later commit>] -- npx vitest run <test>
 *
 * Works in a folder of its own, and removes it. Exits 0 when the command fails there, which is what it is for, and 1 when it passes.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/** What is taken from the commit before. */
const PRODUCT = ["server", "client-sdk", "protocol"];

const { values, positionals } = parseArgs({ options: { tests: { type: "string" } }, allowPositionals: true });
const [repair, ...command] = positionals;
if (repair === undefined || command.length === 0) {
  console.error("Usage: npm run show-bug -- <commit of the repair> [--tests <later commit>] -- <command>");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "ringcast-bug-"));
git(ROOT, "worktree", "add", "--quiet", "--detach", folder, values.tests ?? repair);
try {
  git(folder, "rm", "-r", "--quiet", ...PRODUCT);
  git(folder, "checkout", "--quiet", `${repair}~1`, "--", ...PRODUCT);
  // Hard links: the packages of the workspace are relative links within, so that they lead to this product.
  execFileSync("cp", ["-al", join(ROOT, "node_modules"), join(folder, "node_modules")]);
  const [program, ...args] = command;
  const { status } = spawnSync(program, args, { cwd: folder, stdio: "inherit" });
  console.log(
    status === 0
      ? `\nPasses before ${repair} as well: this doesn't show the bug.`
      : `\nFails before ${repair}, as it should.`,
  );
  process.exitCode = status === 0 ? 1 : 0;
} finally {
  git(ROOT, "worktree", "remove", "--force", folder);
}

function git(cwd, ...args) {
  execFileSync("git", args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
}
