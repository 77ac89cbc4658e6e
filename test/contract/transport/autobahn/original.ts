/**
 * Runs Autobahn's own suite against both transports and judges its report. The suite needs Python 2.7, so that it is no part of `npm test`:
 *
 *     pip install autobahntestsuite                      # of Python 2.7
 *     RINGCAST_WSTEST=<its wstest> npm run test:autobahn     # wstest on the PATH where left out
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../support/temp-dir.js";
import { TRANSPORTS, type TransportName } from "../../../support/transports.js";
import { openEcho } from "./echo.js";

/** Without compression, which is not negotiated. */
const GROUPS = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];
/** 4 MiB in fragments of 64 to 1,024 bytes, each of which ws keeps as a buffer of its own: see limits-cases.ts. */
const KNOWN: Readonly<Record<TransportName, readonly string[]>> = {
  uws: [],
  ws: ["9.3.1", "9.3.2", "9.3.3", "9.4.1", "9.4.2", "9.4.3"],
};

/** `OK`, `NON-STRICT`, `INFORMATIONAL`, or a failure. */
interface Judgement {
  readonly behavior: string;
  readonly behaviorClose: string;
}

const PASSED = new Set(["OK", "NON-STRICT", "INFORMATIONAL"]);

async function main(): Promise<void> {
  using folder = tempDir();
  const spec = join(folder.path, "spec.json");
  const reports = join(folder.path, "reports");
  const echoes = await Promise.all(TRANSPORTS.map((name) => openEcho(name)));
  const servers = TRANSPORTS.map((agent, at) => ({ agent, url: `ws://127.0.0.1:${echoes[at]?.port ?? 0}/v1/ws` }));
  const rest = { "exclude-cases": [], "exclude-agent-cases": {} };
  writeFileSync(spec, JSON.stringify({ outdir: reports, servers, cases: GROUPS, ...rest }));
  await runSuite(spec);
  const index = JSON.parse(readFileSync(join(reports, "index.json"), "utf8")) as Record<
    string,
    Record<string, Judgement>
  >;
  const failures = TRANSPORTS.map((name) => judge(name, index[name] ?? {}));
  await Promise.all(echoes.map((echo) => echo[Symbol.asyncDispose]()));
  if (failures.some((count) => count > 0)) process.exitCode = 1;
}

async function runSuite(spec: string): Promise<void> {
  const suite = spawn(process.env["RINGCAST_WSTEST"] ?? "wstest", ["-m", "fuzzingclient", "-s", spec], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(suite, "exit")) as [number | null];
  if (code !== 0) throw new Error(`wstest ended with ${String(code)}.`);
}

/** Prints what isn't plainly good. @returns failures that are not known, or are not there any more */
function judge(name: TransportName, cases: Readonly<Record<string, Judgement>>): number {
  const numbers = Object.keys(cases);
  const failed = numbers.filter((number) => !isPassed(cases[number]));
  const lax = numbers.filter((number) => cases[number]?.behavior === "NON-STRICT");
  console.log(`${name}: ${numbers.length} cases, ${failed.length} failed (${failed.join(" ")})`);
  console.log(`${name}: passed, but not in the strict way: ${lax.join(" ")}`);
  const unknown = failed.filter((number) => !KNOWN[name].includes(number));
  const gone = KNOWN[name].filter((number) => !failed.includes(number));
  return unknown.length + gone.length + (numbers.length === 0 ? 1 : 0);
}

function isPassed(judgement: Judgement | undefined): boolean {
  return judgement !== undefined && PASSED.has(judgement.behavior) && PASSED.has(judgement.behaviorClose);
}

await main();
