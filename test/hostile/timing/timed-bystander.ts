/** How long a bystander's messages take while something else goes on, in stretches of two kinds that take turns. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestHub } from "../../support/hub.js";
import { within } from "../../support/until.js";
import { BYSTANDER_TOPIC } from "../bystander.js";
import { aheadOn } from "./cores.js";
import type { BystanderReport } from "./program.js";

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "program.ts");
const INTERVAL_MS = 2;
const PATIENCE_MS = 20_000;

/** What goes on meanwhile: what nobody minds, or what should cost nobody more than that. */
export type Kind = "reference" | "hostile";

export interface Timing {
  readonly messages: number;
  /** Of what was sent in stretches of each kind, milliseconds. */
  readonly latencies: Readonly<Record<Kind, readonly number[]>>;
}

interface Stretch {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

export class TimedBystander implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #stretches: Stretch[] = [];

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** @param core where it goes before everybody else, so that it waits for nobody but the hub */
  static async start(hub: Pick<TestHub, "wsUrl">, core: number): Promise<TimedBystander> {
    const node = [process.execPath, "--import", "tsx", PROGRAM, hub.wsUrl, BYSTANDER_TOPIC, String(INTERVAL_MS)];
    const [program = "", ...args] = [...aheadOn(core), ...node];
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    const bystander = new TimedBystander(child, createInterface(child.stdout)[Symbol.asyncIterator]());
    await bystander.#nextLine();
    return bystander;
  }

  /** What is sent while this lasts counts as of this kind. */
  async during(kind: Kind, stretch: () => Promise<void>): Promise<void> {
    const from = now();
    await stretch();
    this.#stretches.push({ kind, from, to: now() });
  }

  /** Ends it when everything has come. @throws Error for a hole, a repetition or a refusal, which it has printed */
  async report(): Promise<Timing> {
    this.#child.stdin?.end("\n");
    const { sentAt, latencies } = JSON.parse(await this.#nextLine()) as BystanderReport;
    const found: Record<Kind, number[]> = { reference: [], hostile: [] };
    for (const { kind, from, to } of this.#stretches) {
      sentAt.forEach((at, number) => {
        if (at >= from && at < to) found[kind].push(latencies[number] as number);
      });
    }
    return { messages: latencies.length, latencies: found };
  }

  async #nextLine(): Promise<string> {
    const { value, done } = await within("the bystander", this.#lines.next(), PATIENCE_MS);
    if (done === true) throw new Error("The bystander has ended: see what it printed");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
