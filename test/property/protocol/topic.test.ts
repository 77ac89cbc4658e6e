import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RingcastError } from "@ringcast/protocol";
import {
  checkPattern,
  checkTopic,
  formatEventId,
  isPattern,
  isTopic,
  matchesPattern,
  parseEventId,
} from "@ringcast/protocol";

const level = fc.stringMatching(/^[ab]{1,2}$/);
const topic = fc
  .tuple(fc.boolean(), fc.array(level, { minLength: 1, maxLength: 5 }))
  .map(([isHub, levels]) => (isHub ? "$" : "") + levels.join("."));
const pattern = fc
  .tuple(fc.boolean(), fc.array(fc.oneof(level, fc.constant("*")), { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([isHub, levels, isOpen]) => {
    const [first, ...rest] = levels;
    const head = isHub && first !== "*" ? `$${first}` : first;
    return [head, ...rest, ...(isOpen ? [">"] : [])].join(".");
  });

/** The rules of the contract, level by level. */
function naiveMatch(levels: readonly string[], names: readonly string[]): boolean {
  const [first, ...rest] = levels;
  const [name, ...others] = names;
  if (first === undefined || name === undefined) return first === name;
  if (first === ">") return !name.startsWith("$");
  const isMatch = first === "*" ? !name.startsWith("$") : first === name;
  return isMatch && naiveMatch(rest, others);
}

/** The rules for names, character by character. */
function naiveIsTopic(text: string): boolean {
  if (text === "" || Buffer.byteLength(text) > 255 || Buffer.from(text).toString() !== text) return false;
  return text.split(".").every((part, index) => {
    const characters = Array.from(index === 0 && part.startsWith("$") ? part.slice(1) : part);
    return (
      characters.length > 0 &&
      !/^\p{M}$/u.test(characters[0] as string) &&
      characters.every((c) => /^[A-Za-z0-9_\-~:@+]$/.test(c) || /^[\p{L}\p{M}\p{Nd}]$/u.test(c))
    );
  });
}

describe("topics and patterns", () => {
  it("match as a plain model says", () => {
    fc.assert(
      fc.property(pattern, topic, (given, name) => {
        expect(matchesPattern(given, name)).toBe(naiveMatch(given.split("."), name.split(".")));
      }),
      { numRuns: 5_000 },
    );
  });

  it("are legal as a plain model says, for any text", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.string({
        unit: fc.constantFrom("a", ".", "$", "é", "\u0301", "*", ">", "/", "٣", "\ud800", "~", "\n"),
        maxLength: 8,
      }),
      fc.string({ unit: fc.constantFrom("a", "é", "字", "😀".slice(0, 1)), minLength: 80, maxLength: 260 }),
    );
    fc.assert(
      fc.property(text, (name) => {
        expect(isTopic(name)).toBe(naiveIsTopic(name));
        if (isTopic(name)) expect(isPattern(name)).toBe(true);
        for (const check of [checkTopic, checkPattern]) {
          try {
            expect(check(name)).toBe(name);
          } catch (error) {
            expect((error as RingcastError).code).toBe("invalid_topic");
          }
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("event ids", () => {
  const epoch = fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/);
  const position = fc.record({ partition: fc.nat(1023), epoch, offset: fc.maxSafeNat() });

  it("come back as they went", () => {
    fc.assert(
      fc.property(fc.uniqueArray(position, { minLength: 1, selector: (p) => p.partition }), (positions) => {
        expect(parseEventId(formatEventId(positions))).toEqual(positions);
      }),
    );
  });

  it("give positions or invalid_offset for any text", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("0", "1", ".", ",", "a", "-", "9") }));
    fc.assert(
      fc.property(text, (id) => {
        try {
          expect(formatEventId(parseEventId(id))).toBe(id);
        } catch (error) {
          expect((error as RingcastError).code).toBe("invalid_offset");
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
