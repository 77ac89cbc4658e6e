import {
  CONTENT_TYPE,
  encodeHeaders,
  encodeUtf8,
  NO_PRODUCER,
  readFilter,
  recordSize,
  writePayload,
  type NewMessage,
} from "@ringcast/protocol";
import { describe, expect, it } from "vitest";
import { CompiledFilter } from "../../../../server/src/hub/filter.js";

/** Not 0, so that a place taken from the beginning of the memory is noticed. */
const AT = 64;

interface Draft {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly data?: string;
}

describe("a filter", () => {
  it.each<[string, object, Draft, boolean]>([
    ["a key of the list", { keys: ["a", "b"] }, { key: "b" }, true],
    ["another key of the same length", { keys: ["a", "b"] }, { key: "c" }, false],
    ["a key that only begins like it", { keys: ["ab"] }, { key: "abc" }, false],
    ["a key that it begins like", { keys: ["abc"] }, { key: "ab" }, false],
    ["no key", { keys: ["a"] }, {}, false],
    ["the empty key, wanted", { keys: [""] }, { key: "" }, true],
    ["no key, where the empty one is wanted", { keys: [""] }, {}, false],
    ["a key that stands in the data only", { keys: ["a"] }, { data: "a" }, false],
    ["a key with another composition of the same letter", { keys: ["\u00e9"] }, { key: "e\u0301" }, false],
    ["a key beyond the first plane", { keys: ["\u{1f600}"] }, { key: "\u{1f600}" }, true],
    ["a header with a value of the list", { headers: { type: ["x", "y"] } }, { headers: { type: "y" } }, true],
    ["a header with another value", { headers: { type: ["x"] } }, { headers: { type: "z" } }, false],
    ["a header behind others", { headers: { type: ["x"] } }, { headers: { a: "1", b: "", type: "x" } }, true],
    ["the value under another name", { headers: { type: ["x"] } }, { headers: { kind: "x" } }, false],
    ["a name in other letters", { headers: { type: ["x"] } }, { headers: { Type: "x" } }, false],
    ["no headers", { headers: { type: ["x"] } }, {}, false],
    ["an empty value, wanted", { headers: { type: [""] } }, { headers: { type: "" } }, true],
    ["no such header, where an empty value is wanted", { headers: { type: [""] } }, { headers: { a: "" } }, false],
    ["two headers, one of them wrong", { headers: { a: ["1"], b: ["2"] } }, { headers: { a: "1", b: "3" } }, false],
    ["two headers, both right", { headers: { b: ["2"], a: ["1"] } }, { headers: { a: "1", b: "2" } }, true],
    ["the key right and the header wrong", { keys: ["k"], headers: { a: ["1"] } }, { key: "k" }, false],
    ["both right", { keys: ["k"], headers: { a: ["1"] } }, { key: "k", headers: { a: "1" } }, true],
    ["a header by the name of a member of all objects", { headers: { constructor: ["x"] } }, {}, false],
  ])("judges %s", (_what, filter, draft, isWanted) => {
    expect(matches(filter, draft)).toBe(isWanted);
  });

  it("takes __proto__ for a name like any other", () => {
    const filter: unknown = JSON.parse('{"headers":{"__proto__":["x"]}}');
    const headers = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    expect([matches(filter, { headers }), matches(filter, {})]).toEqual([true, false]);
  });

  it("has the same identity however its lists are written, and another for other records", () => {
    const identity = (filter: object): string => compiled(filter).identity;
    const same = identity({ keys: ["a", "b"], headers: { x: ["1"], y: ["2"] } });
    expect(identity({ headers: { y: ["2"], x: ["1", "1"] }, keys: ["b", "a", "a"] })).toBe(same);
    for (const other of [{ keys: ["a", "b"] }, { keys: ["a,b"] }, { keys: ["a"], headers: { x: ["1"], y: ["2"] } }]) {
      expect(identity(other)).not.toBe(same);
    }
    expect(identity({ keys: ["a", "b"] })).not.toBe(identity({ keys: ["a,b"] }));
  });
});

function compiled(filter: unknown): CompiledFilter {
  const read = readFilter(filter);
  if (read === undefined) throw new Error("There is no filter");
  return new CompiledFilter(read);
}

function matches(filter: unknown, { key, headers = {}, data = "data" }: Draft): boolean {
  const message: NewMessage = {
    contentType: CONTENT_TYPE.text,
    data: encodeUtf8(data),
    key: key === undefined ? undefined : encodeUtf8(key),
    headers: encodeHeaders(headers),
  };
  const bytes = new Uint8Array(AT + recordSize(message));
  const view = new DataView(bytes.buffer);
  writePayload(bytes, view, AT, message, NO_PRODUCER);
  return compiled(filter).matches(bytes, view, AT);
}
