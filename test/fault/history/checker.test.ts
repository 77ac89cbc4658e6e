import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge } from "./checker.js";
import { cleanHistory, type Step } from "./model-hub.js";

const NOTHING = { acknowledged: 0, faults: 0 };
const KINDS: readonly Step["what"][] = [
  "publish",
  "again",
  "answer",
  "lose",
  "refuse",
  "look",
  "open",
  "deliver",
  "close",
  "retain",
  "kill",
  "power",
];
const weighted = [
  ...KINDS,
  ...KINDS.slice(0, 9),
  "publish",
  "publish",
  "answer",
  "deliver",
  "deliver",
  "deliver",
] as const;
const step: fc.Arbitrary<Step> = fc.record({ what: fc.constantFrom(...weighted), who: fc.nat(11), much: fc.nat(47) });

describe("the checker", () => {
  it("finds nothing in 1,000 histories in which nothing is wrong", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        expect(judge(cleanHistory(steps), NOTHING).anomalies).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});
