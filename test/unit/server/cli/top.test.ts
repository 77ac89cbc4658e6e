import { describe, expect, test } from "vitest";
import { parseMetrics } from "../../../../server/src/cli/top/metrics-text.js";
import type { Row, Snapshot, Totals } from "../../../../server/src/cli/top/snapshot.js";
import { bytesText, renderSnapshot } from "../../../../server/src/cli/top/view.js";

const TOTALS: Totals = {
  version: "1.2.3",
  connections: 2,
  streams: 1,
  subscriptions: 2,
  topics: 3,
  logBytes: 1_572_864,
  memoryBytes: 104_857_600,
  appendedPerSecond: 1234.4,
  deliveredPerSecond: 2_500_000,
  deliveredBytesPerSecond: 1024,
  gaps: 0,
  failedPartitions: 0,
};

function row(values: Partial<Row> = {}): Row {
  return {
    connection: "c1",
    address: "127.0.0.1",
    subject: undefined,
    dialect: "json",
    topic: "orders",
    state: "live",
    lagRecords: 0,
    lagBytes: 0,
    lagMs: 0,
    deliveredPerSecond: 0,
    bufferedBytes: 0,
    since: 0,
    ...values,
  };
}

function render(
  snapshot: Partial<Snapshot>,
  options: { columns?: number; rows?: number; selected?: number } = {},
): string[] {
  const whole = { time: 0, totals: TOTALS, rows: [row()], isPartial: false, ...snapshot };
  const { columns = 160, rows, selected } = options;
  const colour = (style: unknown, text: string) => (style === "inverse" ? `>${text}<` : text);
  return renderSnapshot(whole, { url: "http://hub", columns, rows, selected, footer: "keys", colour });
}

describe("the view of top", () => {
  test("tells totals, and each reader with its lag and gate", () => {
    const text = render({ rows: [row({ lagRecords: 1_234_567, lagMs: 90_000, state: "waiting-for-window" })] }).join(
      "\n",
    );
    expect(text).toContain("ringcast 1.2.3  http://hub");
    expect(text).toContain("2 connections · 1 event streams · 2 subscriptions · 3 topics");
    expect(text).toContain("in 1,234 msg/s · out 2.5 M msg/s, 1.0 KiB/s · logs 1.5 MiB · memory 100 MiB");
    expect(text).toMatch(/^orders +1\.2 M +window +90\.0 s /m);
  });

  test("says when partitions refuse publishes", () => {
    expect(render({ totals: { ...TOTALS, failedPartitions: 2 } }).join("\n")).toContain(
      "2 partitions refuse publishes",
    );
  });

  test.each([20, 30, 40, 60, 80, 100, 200])("fits %d columns", (columns) => {
    const rows = [
      row({ topic: "t".repeat(255), connection: "c".repeat(64), address: "a".repeat(45) }),
      row({ topic: undefined, state: undefined }),
    ];
    for (const line of render({ rows, isPartial: true }, { columns })) expect(line.length).toBeLessThanOrEqual(columns);
  });

  test("fits the lines of the terminal, with the chosen row in sight", () => {
    const rows = Array.from({ length: 100 }, (_, index) => row({ topic: `t${index}` }));
    const lines = render({ rows }, { rows: 12, selected: 50 });
    expect(lines).toHaveLength(12);
    expect(lines.find((line) => line.startsWith(">"))).toMatch(/^>t50 /);
    expect(lines.at(-1)).toBe("keys");
  });

  test("shows names of strangers as text", () => {
    const lines = render({ rows: [row({ topic: "a\u001b[2Jb", subject: "\u202eevil", address: "\u0007" })] });
    expect(lines.join("\n")).not.toMatch(/[\u001b\u202e\u0007]/);
  });

  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [104_857_600, "100 MiB"],
    [2 ** 60, "1048576 TiB"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});

test("numbers of the metrics are added up over their labels", () => {
  const metrics = parseMetrics(
    '# HELP a x\n# TYPE a counter\na{x="1"} 2\na{x="2"} 3\nb 1.5e3\nbuild{version="0.1.0",node="v2\\"0"} 1\n\nnonsense',
  );
  expect(metrics.sum("a")).toBe(5);
  expect(metrics.sum("b")).toBe(1500);
  expect(metrics.sum("c")).toBe(0);
  expect(metrics.label("build", "version")).toBe("0.1.0");
});
