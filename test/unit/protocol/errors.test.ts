import { describe, expect, it } from "vitest";
import { ERRORS, RingcastError, isErrorCode, shown, statusOf } from "@ringcast/protocol";

describe("the error table", () => {
  // As the wire contract lists them, and one more for operators.
  const statuses: Record<string, number> = {
    bad_request: 400,
    bad_frame: 400,
    invalid_topic: 400,
    invalid_offset: 400,
    unauthorized: 401,
    forbidden: 403,
    unknown_op: 404,
    unknown_topic: 404,
    unknown_subscription: 404,
    unknown_connection: 404,
    already_exists: 409,
    conflict: 409,
    out_of_sequence: 409,
    too_large: 413,
    schema_violation: 422,
    too_many: 429,
    rate_limited: 429,
    unavailable: 503,
    shutting_down: 503,
    internal: 500,
  };

  it("has a row for each code of the contract and no other", () => {
    expect(Object.fromEntries(Object.entries(ERRORS).map(([code, row]) => [code, row.status]))).toEqual(statuses);
  });

  it("knows a code from a member of Object.prototype", () => {
    expect(isErrorCode("conflict")).toBe(true);
    for (const value of ["constructor", "__proto__", "", 400, null]) expect(isErrorCode(value)).toBe(false);
  });
});

describe("RingcastError", () => {
  it("leaves out empty details of the body", () => {
    expect(new RingcastError("conflict", "no").toBody()).toEqual({ code: "conflict", message: "no" });
    expect(new RingcastError("bad_request", "no", { field: "id" }).toBody().details).toEqual({ field: "id" });
  });

  it("knows status and whether to try again", () => {
    const error = new RingcastError("unavailable", "full");
    expect([statusOf(error.code), error.retryable]).toEqual([503, true]);
  });
});

describe("shown", () => {
  it.each([
    ["a", '"a"'],
    [1.5, "1.5"],
    [null, "null"],
    [undefined, "undefined"],
    [true, "true"],
    [["a"], "a list"],
    [{ a: 1 }, "an object"],
    ["a\u001b\u0085\u202e\ud800", String.raw`"a\u001b\u0085\u202e\ud800"`],
  ])("prints %s as %s", (value, text) => {
    expect(shown(value)).toBe(text);
  });

  it("cuts what is long, and leaves no half of a pair", () => {
    expect(shown("x".repeat(1_000_000))).toBe(`"${"x".repeat(64)}"…`);
    expect(shown(`${"x".repeat(63)}😀😀`)).not.toMatch(/\p{Surrogate}/u);
  });
});
