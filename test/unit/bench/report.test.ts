import { describe, expect, test } from "vitest";
import { figureText } from "../../../bench/report/figures.js";
import { isGeneratorBound, spreadOf, type RowResult, type Series } from "../../../bench/report/result.js";
import { markdownText, rowTable, terminalText, verdictTable } from "../../../bench/report/table.js";
import { namesIn, TARGETS, type Condition } from "../../../bench/report/targets.js";
import { judge, type Verdict } from "../../../bench/report/verdicts.js";
import { SCENARIOS } from "../../../bench/scenarios/index.js";

const RUN = {
  machine: { cpu: "", cores: 2, memoryGiB: 8, kernel: "", system: "", node: "v22.0.0", loadBefore: 0 },
  commit: "abc",
  command: "npm run bench",
  date: "2026-01-01T00:00:00Z",
  seconds: 2,
  rounds: 3,
  versions: {},
};

function seriesOf(name: string, ...cpuNs: number[]): Series {
  return { name, rounds: cpuNs.map((each) => ({ cpuNs: each, perSecond: 1e9 / each })), failures: [] };
}

function rowOf(...series: Series[]): RowResult {
  return {
    id: "fanout/2x3",
    title: "fan-out",
    unit: "delivery",
    figures: ["cpuNs", "perSecond"],
    series,
    run: RUN,
  };
}

function verdictOn(condition: Condition, row: RowResult, figure: "cpuNs" | "perSecond" = "cpuNs"): Verdict | undefined {
  return judge([{ row: row.id, contender: "hub", figure, conditions: [condition] }], [row])[0];
}

describe("a spread", () => {
  test("has the middle of an odd number of turns", () => {
    expect(spreadOf(seriesOf("hub", 9, 1, 5), "cpuNs")).toEqual({ median: 5, min: 1, max: 9 });
  });

  test("has the mean of the two in the middle of an even number", () => {
    expect(spreadOf(seriesOf("hub", 9, 1, 5, 6), "cpuNs")?.median).toBe(5.5);
  });

  test("leaves out turns that lack the figure", () => {
    const series: Series = { name: "hub", rounds: [{ cpuNs: 4 }, { perSecond: 1 }], failures: [] };
    expect(spreadOf(series, "cpuNs")).toEqual({ median: 4, min: 4, max: 4 });
    expect(spreadOf(series, "p50Us")).toBeUndefined();
  });
});

describe("a verdict", () => {
  const row = rowOf(seriesOf("hub", 100), seriesOf("other", 250));

  test("compares with a limit", () => {
    expect(verdictOn({ atMost: 100 }, row)?.outcome).toBe("met");
    expect(verdictOn({ atMost: 99 }, row)?.outcome).toBe("NOT met");
    expect(verdictOn({ atLeast: 10e6 }, row, "perSecond")?.outcome).toBe("met");
  });

  test("compares with another server, where less is better and where more is", () => {
    expect(verdictOn({ times: 2.5, asGoodAs: "other" }, row)?.outcome).toBe("met");
    expect(verdictOn({ times: 2.6, asGoodAs: "other" }, row)?.outcome).toBe("NOT met");
    expect(verdictOn({ times: 2.5, asGoodAs: "other" }, row, "perSecond")?.figure).toMatch(/^2.50 × /);
  });

  test("allows a factor and something on top", () => {
    const near = rowOf(seriesOf("hub", 110), seriesOf("other", 100));
    expect(verdictOn({ within: 1.1, of: "other" }, near)?.outcome).toBe("met");
    expect(verdictOn({ within: 1, of: "other", plus: 10 }, near)?.outcome).toBe("met");
    expect(verdictOn({ within: 1, of: "other", plus: 9 }, near)?.outcome).toBe("NOT met");
  });

  test("says that a server was not there, or has failed", () => {
    const failed: Series = { name: "other", rounds: [], failures: ["gone"] };
    expect(verdictOn({ times: 2, asGoodAs: "nobody" }, row)?.outcome).toBe("not measured");
    expect(verdictOn({ times: 2, asGoodAs: "other" }, rowOf(seriesOf("hub", 1), failed))?.outcome).toBe("not measured");
  });
});

describe("a table", () => {
  const failed: Series = { name: "third", rounds: [], failures: ["It broke."] };
  const table = rowTable(rowOf(seriesOf("hub", 90, 100, 110), seriesOf("other", 400), failed));

  test("is aligned in a terminal, with bars in proportion and failures told", () => {
    expect(terminalText(table)).toBe(
      [
        "fan-out",
        "                               server CPU a delivery         from – to  deliveries a second",
        "  hub    █████                                100 ns  90.0 ns – 110 ns           10,000,000",
        "  other  ████████████████████                 400 ns   400 ns – 400 ns            2,500,000",
        "  third                                            –                                      –  failed 1 ×: It broke.",
      ].join("\n"),
    );
  });

  test("is Markdown with as many cells in each line", () => {
    const lines = markdownText(table)
      .split("\n")
      .filter((line) => line.startsWith("|"));
    expect(lines).toHaveLength(5);
    expect(new Set(lines.map((line) => line.split("|").length)).size).toBe(1);
  });

  test("counts what of the targets is met", () => {
    const verdicts = judge(
      [{ row: "fanout/2x3", contender: "hub", figure: "cpuNs", conditions: [{ atMost: 1 }, { atMost: 1_000 }] }],
      [rowOf(seriesOf("hub", 90))],
    );
    expect(verdictTable(verdicts).title).toBe("Targets: 1 of 2 met, 1 not met");
  });
});

test("the generator is the limit when a thread of it has no time left and the server has", () => {
  const series = (generatorBusy: number, serverCores: number): Series => ({
    name: "hub",
    rounds: [{ generatorBusy, serverCores }],
    failures: [],
  });
  expect(isGeneratorBound(series(0.99, 0.5))).toBe(true);
  expect(isGeneratorBound(series(0.99, 0.95))).toBe(false);
  expect(isGeneratorBound(series(0.5, 0.5))).toBe(false);
});

test("figures are told with three digits and their unit", () => {
  expect(figureText("cpuNs", 83.4)).toBe("83.4 ns");
  expect(figureText("cpuNs", 1_236)).toBe("1.24 µs");
  expect(figureText("p99Us", 1_900)).toBe("1.90 ms");
  expect(figureText("connectionBytes", 3_584)).toBe("3.50 KiB");
  expect(figureText("perSecond", 1_234_567)).toBe("1,230,000");
  expect(figureText("arrivedShare", 1)).toBe("100 %");
});

describe("the scenarios", () => {
  const rows = SCENARIOS.flatMap((scenario) => scenario.rows.map((row) => ({ scenario, row })));

  test("have rows with names of their own, which begin with theirs", () => {
    expect(new Set(rows.map(({ row }) => row.id)).size).toBe(rows.length);
    for (const { scenario, row } of rows) expect(row.id).toMatch(new RegExp(`^${scenario.name}/`));
  });

  test("have the rows, the servers and the figures that targets are about", () => {
    for (const target of TARGETS) {
      const row = rows.find((each) => each.row.id === target.row)?.row;
      expect(row, target.row).toBeDefined();
      expect(row?.contenders.map(({ name }) => name)).toEqual(expect.arrayContaining([...namesIn(target)]));
      expect(row?.figures).toContain(target.figure);
    }
  });
});
