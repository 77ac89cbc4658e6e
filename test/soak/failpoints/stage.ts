/** A life of the hub that can be had again and again, each time with something done to one of its system calls. */
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { startHub, type TestHub } from "../../support/hub.js";
import {
  callsIn,
  injecting,
  ONE_WORKER,
  tracing,
  wasInjected,
  type CallFault,
  type SystemCall,
} from "../../support/strace.js";
import { until } from "../../support/until.js";
import { nothingExpected, type Expected } from "./expected.js";
import { work } from "./scenario.js";
import { verify, type Finding } from "./verify.js";

/** What a life begins on. */
export type Start = "an empty directory" | "a stopped hub's directory" | "a killed hub's directory";

export interface StageOptions {
  readonly start: Start;
  /** Whether logs are mapped or written. */
  readonly region: "mapped" | "file";
  /** For what it leaves on the disk. */
  readonly folder: string;
}

/** What became of a life, and of what it was told. */
export interface Outcome {
  /** The fault was really done. */
  readonly isDone: boolean;
  readonly findings: readonly Finding[];
  readonly operations: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** From the start after the fault until it serves, milliseconds. */
  readonly restartMs: number;
}

interface Life {
  readonly findings: Finding[];
  readonly isKilled: boolean;
}

/** Time for the hub to get over a call that failed once. */
const HEALED_MS = 10_000;

export class Stage {
  readonly name: string;
  readonly #options: StageOptions;
  readonly #args: readonly string[];
  /** Copied for each life. */
  readonly #template: string;
  #expected: Expected = nothingExpected();

  constructor(options: StageOptions) {
    const { start, region, folder } = options;
    mkdirSync(folder, { recursive: true });
    this.name = `${start}, ${region}`;
    this.#options = options;
    this.#template = join(folder, "template");
    this.#args = ["--drain-timeout-ms", "50", ...(region === "file" ? ["--no-mmap"] : [])];
  }

  /** Makes what the lives begin on. */
  async prepare(): Promise<void> {
    if (this.#options.start === "an empty directory") return;
    await using hub = await startHub({ data: this.#template, args: this.#args });
    await work(hub, this.#expected, 0);
    if (this.#options.start === "a stopped hub's directory") await hub.stop();
  }

  /** The calls of a life to which nothing is done; their paths are relative to the directory. */
  async calls(): Promise<SystemCall[]> {
    const [data, trace] = [this.#copy("counted"), join(this.#options.folder, "counted.trace")];
    const hub = await startHub({ data, args: this.#args, env: ONE_WORKER, runBy: tracing(trace) });
    await work(hub, structuredClone(this.#expected), this.#round);
    await hub.stop();
    await hub[Symbol.asyncDispose]();
    return callsIn(trace, data).map((call) => ({ ...call, path: relative(data, call.path) }));
  }

  /** Has a life with a fault at one call, and looks at what is left of it, twice: after a start, and after an orderly stop and another. */
  async play(call: SystemCall, fault: CallFault, name: string): Promise<Outcome> {
    const [data, trace] = [this.#copy(name), join(this.#options.folder, `${name}.trace`)];
    const expected = structuredClone(this.#expected);
    const runBy = injecting({ ...call, path: join(data, call.path) }, fault, trace);
    const { findings, isKilled } = await this.#live(data, expected, runBy);
    const isDone = fault === "SIGKILL" ? isKilled : wasInjected(trace);
    const startedAt = performance.now();
    let restartMs = 0;
    try {
      await using hub = await startHub({ data, args: this.#args });
      restartMs = Math.round(performance.now() - startedAt);
      findings.push(...(await verify(hub, expected)), ...(await stopped(hub)));
      await hub.restart();
      findings.push(...(await verify(hub, expected)));
    } catch (error) {
      findings.push({ heading: "lost", what: String(error) });
    }
    const { operations, acknowledged, delivered } = expected;
    return { isDone, findings, operations, acknowledged, delivered, restartMs };
  }

  async #live(data: string, expected: Expected, runBy: readonly string[]): Promise<Life> {
    let hub: TestHub;
    try {
      hub = await startHub({ data, args: this.#args, env: ONE_WORKER, runBy });
    } catch (error) {
      return refusal(error);
    }
    const { isDone, wrong } = await work(hub, expected, this.#round);
    const findings = wrong.map((what): Finding => ({ heading: "wrongAnswers", what }));
    if (isDone) await healed(hub, findings);
    const code = await hub.stop();
    // What it could not bring to the disk at the end it says in its own words; the next start finds it in the journal.
    const isSaid = isDone && (code === 0 || (code === 1 && !hasStack(hub.output().stderr)));
    if (code !== null && !isSaid) findings.push(ended(hub, code));
    return { findings, isKilled: code === null };
  }

  get #round(): number {
    return this.#options.start === "an empty directory" ? 0 : 1;
  }

  #copy(name: string): string {
    const data = join(this.#options.folder, name);
    rmSync(data, { recursive: true, force: true });
    if (existsSync(this.#template)) cpSync(this.#template, data, { recursive: true });
    return data;
  }
}

/** It may refuse to start, in its own words; what is there is looked at after the next start. */
function refusal(error: unknown): Life {
  const { message } = error as Error;
  const isKilled = message.includes("ended with null");
  const isRefused = /ended with [12] /.test(message) && !hasStack(message);
  return { isKilled, findings: isKilled || isRefused ? [] : [{ heading: "wrongAnswers", what: message }] };
}

/** Something was thrown that nobody expected. */
function hasStack(text: string): boolean {
  return text.includes("\n    at ");
}

async function healed(hub: TestHub, findings: Finding[]): Promise<void> {
  try {
    await until("it is ready", async () => (await fetch(`${hub.url}/readyz`)).ok, HEALED_MS);
  } catch (error) {
    findings.push({ heading: "wrongAnswers", what: `it is not ready again: ${String(error)}` });
  }
}

async function stopped(hub: TestHub): Promise<Finding[]> {
  const code = await hub.stop();
  return code === 0 ? [] : [ended(hub, code)];
}

function ended(hub: TestHub, code: number | null): Finding {
  return { heading: "wrongAnswers", what: `it ended with ${String(code)}: ${hub.output().stderr}` };
}
