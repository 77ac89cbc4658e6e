import { describe, expect, it } from "vitest";
import { closeReason, MAX_PINGS_PER_SECOND, PingMeter } from "../../../../server/src/transport/limits.js";
import { isBodiless, safeHeaderValue, statusLine } from "../../../../server/src/transport/response-head.js";

describe("closeReason", () => {
  it("fits into a close frame and never ends inside a character", () => {
    expect(closeReason("short")).toBe("short");
    expect(closeReason("x".repeat(124))).toBe("x".repeat(123));
    expect(closeReason("é".repeat(62))).toBe("é".repeat(61));
    expect(closeReason("\u{1f30b}".repeat(40))).toBe("\u{1f30b}".repeat(30));
  });
});

describe("PingMeter", () => {
  it("lets the limit through in each second, and not one more", () => {
    const meter = new PingMeter();
    for (let count = 0; count < MAX_PINGS_PER_SECOND; count++) expect(meter.count(5_000)).toBe(true);
    expect(meter.count(5_999)).toBe(false);
    expect(meter.count(6_000)).toBe(true);
  });
});

describe("the head of an answer", () => {
  it("names every status that it is given, known or not", () => {
    expect(statusLine(404)).toBe("404 Not Found");
    expect(statusLine(299)).toBe("299 Unknown");
  });

  it("has no header that ends its line", () => {
    expect(safeHeaderValue("a\r\nb\0c\u2028d")).toBe("a??b?c?d");
    expect(safeHeaderValue("tab\tand space")).toBe("tab\tand space");
  });

  it("knows which answers have no body", () => {
    expect([200, 204, 304, 404].map(isBodiless)).toEqual([false, true, true, false]);
  });
});
