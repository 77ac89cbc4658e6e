import { describe, expect, it } from "vitest";
import type { RingcastError } from "@ringcast/protocol";
import { formatEventId, formatPosition, isEpoch, isOffset, parseEventId, parsePosition } from "@ringcast/protocol";

describe("positions", () => {
  it("print as epoch.offset and come back", () => {
    expect(formatPosition({ epoch: "e-1_Z", offset: 2 ** 53 - 1 })).toBe("e-1_Z.9007199254740991");
    expect(parsePosition("e-1_Z.9007199254740991")).toEqual({ epoch: "e-1_Z", offset: 2 ** 53 - 1 });
  });

  it.each([-1, 1.5, 2 ** 53, NaN, "42", null, undefined])("have no offset %s", (value) => {
    expect(isOffset(value)).toBe(false);
  });

  it.each(["", "a b", "a.b", "x".repeat(33), 7])("have no epoch %j", (value) => {
    expect(isEpoch(value)).toBe(false);
  });
});

describe("event ids", () => {
  it("name every partition", () => {
    const positions = [
      { partition: 0, epoch: "a", offset: 42 },
      { partition: 11, epoch: "b", offset: 0 },
    ];
    expect(formatEventId(positions)).toBe("0.a.42,11.b.0");
    expect(parseEventId("0.a.42,11.b.0")).toEqual(positions);
  });

  it.each([
    "",
    "garbage",
    "0",
    "0.a",
    "0.a.",
    "0.a.1,",
    ",0.a.1",
    "0.a.1.2",
    "0.a.-1",
    "0.a.01",
    "0.a.1e3",
    "0.a.9007199254740992",
    "0.a.18446744073709551617",
    "-1.a.1",
    "1024.a.1",
    "0.a.1,0.a.2",
    "0.a b.1",
    "__proto__",
    "0.a.1\n",
    "0.a.1,".repeat(12_000),
  ])("refuse %j", (text) => {
    expect(() => parseEventId(text)).toThrow(expect.objectContaining({ code: "invalid_offset" }));
  });

  it("refuse with a message that is short and safe to print", () => {
    try {
      parseEventId(`\u001b[31m${"x".repeat(60_000)}`);
    } catch (error) {
      expect((error as RingcastError).message.length).toBeLessThan(200);
      expect((error as RingcastError).message).not.toContain("\u001b");
      return;
    }
    expect.unreachable();
  });
});
