/** Faults of the storage under a hub. */
import { performance } from "node:perf_hooks";
import { runRingcast, type TestHub } from "../../../support/hub.js";
import { until } from "../../../support/until.js";
import type { Injection, World } from "../run.js";
import { harmless, pause } from "./harmless.js";

/** For so long everybody works on while the storage refuses. */
const REFUSAL_MS = 300;
const LONGEST_HEALING_MS = 40_000;
const FAILED = "the storage failed";

/** What is done to the storage, and undone. */
export interface Shortage {
  readonly begin: () => void;
  readonly end: () => void;
}

/** How long the hub took, from the end of each shortage on, until all partitions took records again, milliseconds. */
export type Recoveries = number[];

/** The storage refuses for a while: until the hub has noticed, and some time longer. */
export function shortage(name: string, { begin, end }: Shortage, recoveries: Recoveries): Injection {
  return async ({ hub, random }: World) => {
    const before = failuresOf(hub);
    begin();
    await until("the hub notices that its storage fails", () => failuresOf(hub) > before, LONGEST_HEALING_MS);
    await pause(random.below(REFUSAL_MS));
    end();
    const endedAt = performance.now();
    await until("the storage works again", () => isReady(hub), LONGEST_HEALING_MS);
    recoveries.push(Math.round(performance.now() - endedAt));
    return harmless(name);
  };
}

/** Somebody starts another hub on the same directory. */
export const secondHub: Injection = async ({ hub }) => {
  const { code, stderr } = await runRingcast(["serve", "--port", "0", "--data", hub.data]);
  if (code !== 2 || !stderr.includes("is in use by another hub"))
    throw new Error(`It ended with ${String(code)}: ${stderr}`);
  return harmless("second hub");
};

/** How often the hub has said so. */
export function failuresOf(hub: TestHub): number {
  return hub.output().stderr.split(FAILED).length - 1;
}

/** Whether it serves, and no partition refuses publishes. */
export async function isReady(hub: TestHub): Promise<boolean> {
  return (await fetch(`${hub.url}/readyz`)).ok;
}
