import { isPattern, isTopic, matchesPattern } from "@ringcast/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LevelTrie } from "../../../../server/src/hub/level-trie.js";

const level = fc.constantFrom("a", "b", "c");
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join("."));
const hubTopic = topic.map((name) => `$${name}`);
const pattern = fc
  .array(fc.oneof(level, fc.constant("*")), { minLength: 1, maxLength: 4 })
  .chain((levels) => fc.constantFrom(levels.join("."), [...levels, ">"].join("."), ">", `$${levels.join(".")}`))
  .filter(isPattern);

describe("the trie of levels", () => {
  it("finds the patterns of a topic and the topics of a pattern as matching one by one does", () => {
    const names = fc.uniqueArray(fc.oneof(topic, hubTopic).filter(isTopic), { maxLength: 20 });
    fc.assert(
      fc.property(names, fc.uniqueArray(pattern, { maxLength: 20 }), (topics, patterns) => {
        const byName = trieOf(topics);
        const byPattern = trieOf(patterns);
        for (const one of patterns) {
          expect(found((visit) => byName.eachMatchOf(one, visit))).toEqual(
            topics.filter((name) => matchesPattern(one, name)).sort(),
          );
        }
        for (const name of topics) {
          expect(found((visit) => byPattern.eachPatternOf(name, visit))).toEqual(
            patterns.filter((one) => matchesPattern(one, name)).sort(),
          );
        }
      }),
    );
  });

  it("forgets what was deleted and keeps what lies beneath", () => {
    const trie = trieOf(["a", "a.b", "a.b.c"]);

    trie.delete("a.b");
    trie.delete("never.there");

    expect(trie.get("a.b")).toBeUndefined();
    expect(found((visit) => trie.eachMatchOf(">", visit))).toEqual(["a", "a.b.c"]);
  });
});

function trieOf(names: readonly string[]): LevelTrie<string> {
  const trie = new LevelTrie<string>();
  for (const name of names) trie.set(name, name);
  return trie;
}

function found(each: (visit: (name: string) => void) => void): string[] {
  const names: string[] = [];
  each((name) => void names.push(name));
  return names.sort();
}
