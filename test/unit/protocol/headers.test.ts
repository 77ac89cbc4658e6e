import { describe, expect, it } from "vitest";
import { decodeHeaders, encodeHeaders } from "@ringcast/protocol";

describe("encodeHeaders", () => {
  it("lays out length of name, length of value, name, value", () => {
    expect(Buffer.from(encodeHeaders({ k: "vé" })).toString("hex")).toBe("010300" + "6b" + "76c3a9");
  });

  it("accepts what is exactly at the limits", () => {
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`h${i}`, ""]));
    expect(decodeHeaders(encodeHeaders(many))).toHaveLength(64);
    expect(encodeHeaders({ ["n".repeat(128)]: "v".repeat(16_384 - 128) })).toHaveLength(16_384 + 3);
    expect(encodeHeaders({})).toHaveLength(0);
  });

  it.each([
    ["more than 64", Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, ""]))],
    ["a name of 129 bytes", { ["n".repeat(129)]: "" }],
    ["an empty name", { "": "x" }],
    ["16 KiB and a byte", { n: "v".repeat(16_384) }],
    ["a value of 64 kB", { n: "v".repeat(65_536) }],
    ["a number", { n: 1 }],
    ["an object as value", { n: {} }],
    ["null as value", { n: null }],
    ["a newline in a name", { "a\nb": "x" }],
    ["a name of the hub's", { "ringcast-reason": "x" }],
    ["a lone surrogate", { n: "\ud800" }],
    ["a lone surrogate in a name", { "\ud800": "n" }],
    ["a list", ["a"]],
    ["a string", "a"],
    ["null", null],
  ])("refuses %s", (_, headers) => {
    expect(() => encodeHeaders(headers)).toThrow(
      expect.objectContaining({ code: "bad_request", details: { field: "headers" } }),
    );
  });
});

describe("decodeHeaders", () => {
  it.each(["01", "0100", "010000", "0001", "01ffff61"])("refuses the broken block %s", (hex) => {
    expect(decodeHeaders(Buffer.from(hex, "hex"))).toBeUndefined();
  });
});
