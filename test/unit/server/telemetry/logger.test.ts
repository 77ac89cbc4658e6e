import { describe, expect, it } from "vitest";
import { createLogger, type LogFormat, type LogLevel } from "../../../../server/src/telemetry/index.js";

function capture(format: LogFormat, level: LogLevel = "info") {
  const lines: string[] = [];
  const log = createLogger({ level, format, write: (line) => lines.push(line) });
  return { log, lines };
}

describe("logger", () => {
  it("writes one JSON object a line", () => {
    const { log, lines } = capture("json");
    log.info({ topic: "orders" }, "topic created");
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    expect(line).toMatchObject({ level: "info", topic: "orders", msg: "topic created" });
    expect(Date.parse(String(line["time"]))).not.toBeNaN();
  });

  it("writes a short line of text with the facts behind the sentence", () => {
    const { log, lines } = capture("text");
    log.warn({ topic: "orders", offset: 12 }, 'it said "no"');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}it said "no" topic="orders" offset=12\n$/);
  });

  it.each(["json", "text"] as const)("lets no control character through as %s", (format) => {
    const { log, lines } = capture(format);
    const hostile = "a\u001b[2J\nb\r\u0085c\u2028d\u202ee\u007f";
    log.error({ topic: hostile }, hostile);
    const line = lines.join("");
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
    expect(line).toContain("\\u001b[2J");
  });

  it("adds the stack of an error, without what could steer a terminal", () => {
    const { log, lines } = capture("text");
    log.error({ err: new Error("broken \u001b[31m") }, "a delivery failed");
    expect(lines[0]).toContain("a delivery failed\nError: broken  [31m\n    at ");
  });

  it("leaves out what is below the level", () => {
    const { log, lines } = capture("json", "warn");
    log.info({}, "quiet");
    log.warn({}, "loud");
    expect(lines).toHaveLength(1);
  });
});
