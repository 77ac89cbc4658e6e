/** A decoder under many inputs: what it is tried on, and what may come of it. */
import fc from "fast-check";
import { RingcastError } from "@ringcast/protocol";

/** A decoder, ready to be tried. */
export interface Fuzzed {
  readonly name: string;
  /** @throws Error with the smallest input that was judged wrongly, and its seed */
  run(inputs: number, seed: number): Counts;
}

export interface Counts {
  taken: number;
  refused: number;
}

/**
 * @param judge decodes, and returns whether the input was taken. Throws where the outcome isn't what it has to be; a {@link RingcastError} is a refusal
 */
export function fuzzed<Input>(name: string, inputs: fc.Arbitrary<Input>, judge: (input: Input) => boolean): Fuzzed {
  return {
    name,
    run: (numRuns, seed) => {
      const counts: Counts = { taken: 0, refused: 0 };
      const property = fc.property(inputs, (input) => {
        counts[isTaken(judge, input) ? "taken" : "refused"] += 1;
      });
      fc.assert(property, { numRuns, seed });
      return counts;
    },
  };
}

function isTaken<Input>(judge: (input: Input) => boolean, input: Input): boolean {
  try {
    return judge(input);
  } catch (error) {
    if (error instanceof RingcastError && error.code !== "internal") return false;
    throw error;
  }
}

/** @throws Error with both values */
export function demand(holds: boolean, sentence: string, ...values: readonly unknown[]): void {
  if (holds) return;
  throw new Error(`${sentence}: ${values.map((value) => JSON.stringify(value)).join(" | ")}`);
}
