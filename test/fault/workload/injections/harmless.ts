/** What the faults of all families share. */
import type { Fault } from "../../history/history.js";

/** Nothing that was acknowledged may be lost by it. */
export function harmless(name: string): Pick<Fault, "name" | "costs"> {
  return { name, costs: "none" };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
