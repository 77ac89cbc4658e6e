import { describe, expect, it } from "vitest";
import type { RingcastError } from "@ringcast/protocol";
import {
  checkPattern,
  checkTopic,
  checkWritableTopic,
  isHubTopic,
  isPattern,
  isTopic,
  matchesPattern,
} from "@ringcast/protocol";

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as RingcastError).code;
  }
  return "none";
}

describe("topic names", () => {
  it.each([
    "a",
    "orders",
    "a.b.c",
    "A-Z_0~9:@+x",
    "größe",
    "заказы.новые",
    "注文",
    "e\u0301",
    "٣",
    "$hub.connections",
    "a".repeat(255),
    "CON",
    "C:",
  ])("accept %j", (name) => {
    expect(isTopic(name)).toBe(true);
    expect(checkTopic(name)).toBe(name);
  });

  it.each([
    ["", "empty"],
    ["a".repeat(256), "256 bytes"],
    ["é".repeat(128), "256 bytes in 128 characters"],
    ["x".repeat(10_000), "10 kB"],
    [".a", "empty first level"],
    ["a.", "empty last level"],
    ["a..b", "empty level"],
    ["..", "dots alone"],
    [".", "a dot alone"],
    ["a/b", "slash"],
    ["a\\b", "backslash"],
    ["../../etc/passwd", "path"],
    ["%2e%2e%2f", "percent"],
    ["a\u0000", "NUL"],
    ["a\n", "line feed at the end"],
    ["\ra", "carriage return"],
    ["a\tb", "tab"],
    ["a\u0085", "next line"],
    ["a\u2028", "line separator"],
    ["\u001b[0m", "escape"],
    ["a\u202eb", "right-to-left override"],
    ["a\u200db", "zero-width joiner"],
    ["\u0301", "a mark alone"],
    ["a.\u0301b", "a mark first in a level"],
    ["$", "a dollar alone"],
    ["$.a", "a dollar as a level"],
    ["a.$b", "a dollar inside"],
    ["a b", "space"],
    ["😀", "a symbol"],
    ["\ud800", "a lone surrogate"],
    ["a.*", "a wildcard"],
    [">", "a wildcard alone"],
  ])("refuse %j (%s)", (name) => {
    expect(codeOf(() => checkTopic(name))).toBe("invalid_topic");
  });

  it("of the hub's own can be read but not written", () => {
    expect(isHubTopic("$hub.x")).toBe(true);
    expect(codeOf(() => checkTopic("$hub.x"))).toBe("none");
    expect(codeOf(() => checkWritableTopic("$hub.x"))).toBe("forbidden");
  });

  it("are compared as bytes, never normalised", () => {
    expect(matchesPattern("é", "e\u0301")).toBe(false);
    expect(matchesPattern("a", "а")).toBe(false);
  });
});

describe("patterns", () => {
  it.each(["a", "*", ">", "a.*", "*.b", "a.*.c", "a.>", "*.>", "*.*", "$hub.>", "$hub.*"])("accept %j", (pattern) => {
    expect(isPattern(pattern)).toBe(true);
  });

  it.each(["a.>.b", "a*", "**", ">>", "*.", ".>", ">.a", "$*", "$>", "$", "", "a.b>", "a.**", `a${".*".repeat(1000)}`])(
    "refuse %j",
    (pattern) => {
      expect(codeOf(() => checkPattern(pattern))).toBe("invalid_topic");
    },
  );

  it.each([
    ["*", "a", true],
    ["*", "a.b", false],
    [">", "a", true],
    [">", "a.b.c", true],
    ["a.>", "a", false],
    ["a.>", "a.b", true],
    ["a.>", "ab.c", false],
    ["a.*.c", "a.b.c", true],
    ["a.*.c", "a.b.d", false],
    ["a.b", "a.b", true],
    ["a.b", "a.bc", false],
    ["a.bc", "a.b", false],
    ["a", "a.b", false],
    ["*.>", "a", false],
    [">", "$hub.x", false],
    ["*.x", "$hub.x", false],
    ["$hub.*", "$hub.x", true],
    ["$hub.>", "$hub.x.y", true],
    ["$hub.>", "hub.x", false],
  ])("%s over %s: %s", (pattern, topic, isMatch) => {
    expect(matchesPattern(pattern, topic)).toBe(isMatch);
  });
});
