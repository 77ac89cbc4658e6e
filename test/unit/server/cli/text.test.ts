import { describe, expect, test } from "vitest";
import { printable } from "../../../../server/src/cli/printable.js";
import { RawJson, rawJsonCodec, rawText } from "../../../../server/src/cli/raw-json.js";
import { readFilterOptions, readStart, readUntil, startQuery, untilQuery } from "../../../../server/src/cli/start.js";
import { readArguments, UsageError } from "../../../../server/src/cli/usage.js";

describe("printable", () => {
  test("escapes whatever a terminal could act on", () => {
    expect(printable("a\u001b[31mb\u009bc\r\n\u202ed\u0007")).toBe(
      "a\\u001b[31mb\\u009bc\\u000d\\u000a\\u202ed\\u0007",
    );
  });

  test("leaves letters of all scripts alone", () => {
    expect(printable("Ærø 東京 नमस्ते 👋")).toBe("Ærø 東京 नमस्ते 👋");
  });
});

describe("readStart", () => {
  test.each([
    ["latest", "latest"],
    ["earliest", "earliest"],
    ["0", { offset: 0 }],
    ["last:100", { last: 100 }],
    ["15m", { time: 10 * 86_400_000 - 900_000 }],
    ["2d", { time: 8 * 86_400_000 }],
    ["1970-01-01T00:00:01Z", { time: 1000 }],
  ])("reads %s", (text, start) => {
    expect(readStart(text, 10 * 86_400_000)).toEqual(start);
  });

  test.each(["", "-1", "1.5", "last:", "last:-1", "15 m", "tomorrow", "2026-99-99", "1e3"])("refuses %j", (text) => {
    expect(() => readStart(text, 0)).toThrow(UsageError);
  });
});

describe("readUntil", () => {
  test.each([
    ["head", "head"],
    ["42", { offset: 42 }],
    ["1d", { time: 0 }],
    ["time:77", { time: 77 }],
  ])("reads %s", (text, until) => {
    expect(readUntil(text, 86_400_000)).toEqual(until);
  });

  test.each(["", "latest", "earliest", "last:1", "-1", "tomorrow"])("refuses %j", (text) => {
    expect(() => readUntil(text, 0)).toThrow(UsageError);
  });
});

test("starts and ends have a form in a query", () => {
  expect(["latest", "7", "last:3", "time:5"].map((text) => startQuery(readStart(text, 0)))).toEqual([
    "latest",
    "7",
    "last:3",
    "time:5",
  ]);
  expect(["head", "7", "time:5"].map((text) => untilQuery(readUntil(text, 0)))).toEqual(["head", "7", "time:5"]);
});

test("keys and headers make a filter, several values of a header one list", () => {
  expect(readFilterOptions([], [])).toBeUndefined();
  expect(readFilterOptions(["a", ""], [])).toEqual({ keys: ["a", ""] });
  expect(readFilterOptions([], ["t=x", "t=y=z", "u="])).toEqual({ headers: { t: ["x", "y=z"], u: [""] } });
  expect(() => readFilterOptions([], ["=x"])).toThrow(UsageError);
});

describe("rawJsonCodec", () => {
  test("puts data into the frame as it was typed, beside key and headers", () => {
    const body = rawJsonCodec.encodeBody({ data: new RawJson(' {"a":1.0} '), key: "k", headers: undefined });
    expect(body).toBe('{"data":{"a":1.0},"key":"k"}');
    const many = rawJsonCodec.encodeBody({
      messages: [{ data: new RawJson("1e400") }, { data: new RawJson("-0"), key: "k" }],
    });
    expect(many).toBe('{"messages":[{"data":1e400},{"data":-0,"key":"k"}]}');
  });

  test.each([
    "9007199254740993",
    "[1.50,-0,1e400,0.1]",
    '{"1.50":"\\"1.50, 2.50\\\\"}',
    '"number:1.50"',
    '"\\u0000\\u001b"',
    '{"a":{"b":[123456789012345678901234567890]}}',
  ])("hands %s out so that it is printed as it came", (data) => {
    const frame = rawJsonCodec.decode(`{"op":"messages","next":10,"messages":[{"offset":9,"data":${data}}]}`);
    if (frame?.op !== "messages") throw new Error("not the frame");
    expect(frame.next).toBe(10);
    expect(frame.messages[0]?.offset).toBe(9);
    expect(rawText(frame.messages[0]?.data)).toBe(data);
  });

  test("refuses what is no JSON", () => {
    expect(() => new RawJson("{oops")).toThrow(SyntaxError);
  });
});

describe("readArguments", () => {
  const options = {
    count: { type: "string", description: "" },
    header: { type: "string", multiple: true, description: "" },
    json: { type: "boolean", short: "j", description: "" },
  } as const;

  test("reads options in any order, and takes what stands behind -- as it is", () => {
    const args = readArguments(["a", "--header", "x=1", "-j", "--header=y=2", "--count", "5", "--", "-1"], options);
    expect(args.positionals).toEqual(["a", "-1"]);
    expect(args.texts("header")).toEqual(["x=1", "y=2"]);
    expect(args.integer("count", 1)).toBe(5);
    expect(args.isOn("json")).toBe(true);
  });

  test.each([["--nope"], ["--count"], ["--json=yes"]])("refuses %s with a sentence", (argument) => {
    expect(() => readArguments([argument], options)).toThrow(UsageError);
  });

  test.each(["0", "-1", "1.5", "0x10", "9".repeat(20), ""])("refuses %j as a count", (text) => {
    const args = readArguments([`--count=${text}`], options);
    expect(() => args.integer("count", 1)).toThrow(UsageError);
  });
});
