import { RingcastError } from "@ringcast/protocol";
import { describe, expect, it } from "vitest";
import { parseMediaType } from "../../../../server/src/http/body.js";
import { Query, segmentsOf } from "../../../../server/src/http/query.js";

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RingcastError) return error.code;
    throw error;
  }
  return "none";
}

describe("segmentsOf", () => {
  it("decodes each segment once", () => {
    expect(segmentsOf("/v1/topics/a%2Eb%252e/messages")).toEqual(["v1", "topics", "a.b%2e", "messages"]);
    expect(segmentsOf("/v1/topics/caf%C3%A9")).toEqual(["v1", "topics", "café"]);
  });

  it.each(["/%zz", "/%", "/%ff", "/%c0%ae", "", "v1", "http://x/v1", `/${"a".repeat(8192)}`])("refuses %j", (path) => {
    expect(codeOf(() => segmentsOf(path))).toBe("bad_request");
  });
});

describe("Query", () => {
  const bounds = { min: 1, max: 1000, absent: 100 };

  it("reads integers within their bounds", () => {
    expect(new Query("limit=5").integer("limit", bounds)).toBe(5);
    expect(new Query("").integer("limit", bounds)).toBe(100);
  });

  it.each(["limit=0", "limit=1001", "limit=1e9", "limit=-1", "limit=1.5", "limit=", "limit", "limit=+1", "limit=%201"])(
    "refuses %s",
    (query) => {
      expect(codeOf(() => new Query(query).integer("limit", bounds))).toBe("bad_request");
    },
  );

  it("refuses a parameter that stands there twice, but only one that is asked for", () => {
    const query = new Query("from=1&from=2&utm=1&utm=2");
    expect(codeOf(() => query.text("from"))).toBe("bad_request");
    expect(query.text("after")).toBeUndefined();
  });

  it("reads a start", () => {
    expect(new Query("from=earliest").start("latest")).toBe("earliest");
    expect(new Query("from=42").start("latest")).toEqual({ offset: 42 });
    expect(new Query("from=9007199254740991").start("latest")).toEqual({ offset: Number.MAX_SAFE_INTEGER });
    expect(new Query("").start("latest")).toBe("latest");
    expect(new Query("from=time:1700000000000").start("latest")).toEqual({ time: 1_700_000_000_000 });
    expect(new Query("from=last%3A5").start("latest")).toEqual({ last: 5 });
  });

  it("reads an end", () => {
    expect(new Query("").until()).toBeUndefined();
    expect(new Query("until=head").until()).toBe("head");
    expect(new Query("until=7").until()).toEqual({ offset: 7 });
    expect(new Query("until=time:9").until()).toEqual({ time: 9 });
  });

  it.each(["until=-1", "until=latest", "until=time:", "until=last:5", "until="])("refuses the end %s", (query) => {
    expect(codeOf(() => new Query(query).until())).toBe("invalid_offset");
  });

  it("reads a filter", () => {
    const filter = { keys: ["a b"], headers: { type: ["x", "y"] } };
    expect(new Query(`filter=${encodeURIComponent(JSON.stringify(filter))}`).filter()).toEqual(filter);
    expect(new Query("").filter()).toBeUndefined();
  });

  it.each(["", "[]", "{}", '{"keys":"a"}', "{", '{"keys":[1]}', "[".repeat(2000)])("refuses the filter %s", (text) => {
    expect(codeOf(() => new Query(`filter=${encodeURIComponent(text)}`).filter())).toBe("bad_request");
  });

  it.each([
    "from=-1",
    "from=1e3",
    "from=1.5",
    "from=9007199254740992",
    "from=newest",
    "from=0x10",
    "from=",
    "from=last:0",
    "from=time:-1",
  ])("refuses the start %s", (query) => {
    expect(codeOf(() => new Query(query).start("latest"))).toBe("invalid_offset");
  });

  it("changes no prototype", () => {
    const query = new Query("__proto__=1&constructor=2");
    expect(query.text("toString")).toBeUndefined();
    expect(query.text("__proto__")).toBe("1");
  });

  it("refuses escapes that are no UTF-8", () => {
    expect(codeOf(() => new Query("after=%ff"))).toBe("bad_request");
  });
});

describe("parseMediaType", () => {
  it("takes type and charset apart", () => {
    expect(parseMediaType("Application/JSON; Charset=UTF-8")).toEqual({ type: "application/json", charset: "utf-8" });
    expect(parseMediaType('text/plain;charset="utf-8"')).toEqual({ type: "text/plain", charset: "utf-8" });
    expect(parseMediaType("text/plain")).toEqual({ type: "text/plain", charset: undefined });
  });

  it.each(["", "json", "/", "a/b/c", "text/ plain", ";charset=utf-8"])("finds none in %j", (header) => {
    expect(parseMediaType(header)).toBeUndefined();
  });
});
