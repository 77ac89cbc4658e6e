import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, runRingcast, startHub, type TestHub } from "../support/hub.js";
import { until } from "../support/until.js";

interface Report {
  readonly deliveredPerSecond: number;
  readonly totals: { readonly published: number; readonly acknowledged: number; readonly delivered: number };
  readonly stored: number;
  readonly settled: boolean;
  readonly lost: number;
  readonly server: { readonly pid: number; readonly rssAnonBytes: number } | null;
  readonly delivery: { readonly count: number; readonly p50: number; readonly max: number };
}

describe("ringcast bench", () => {
  let hub: TestHub;

  beforeAll(async () => {
    hub = await startHub();
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });

  function bench(...args: string[]) {
    return runRingcast(["bench", "--seconds", "1", "--warmup", "0", ...args], { env: { RINGCAST_URL: hub.url } });
  }

  async function topics(): Promise<unknown> {
    return ((await (await fetch(`${hub.url}/v1/topics`)).json()) as { topics: unknown }).topics;
  }

  const load = ["--subscribers", "6", "--publishers", "2", "--topics", "3", "--batch", "5"];

  test.each([
    ["as fast as it goes, binary", []],
    ["at a rate, JSON, in two threads", ["--dialect", "json", "--rate", "2000", "--threads", "2"]],
  ])("counts what the hub says it has, %s", async (_, args) => {
    const { code, stdout, stderr } = await bench(...load, ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout) as Report;
    const { published, acknowledged, delivered } = report.totals;
    expect(report).toMatchObject({ settled: true, lost: 0, server: { pid: hub.pid } });
    expect(published).toBeGreaterThan(100);
    expect({ acknowledged, stored: report.stored }).toEqual({ acknowledged: published, stored: published });
    // Two of the six readers to each of three topics, which are published to in turn by each publisher.
    expect(delivered).toBe(published * 2);
    expect(report.delivery.count).toBeGreaterThan(0);
    expect(report.delivery.max).toBeGreaterThanOrEqual(report.delivery.p50);
    expect(await topics()).toEqual([]);
  });

  test("says in a sentence what the hub refuses, and leaves nothing behind", async () => {
    const { code, stderr } = await bench("--batch", "10001");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: The hub refused: too_large: .*10001.*\n$/);
    expect(await topics()).toEqual([]);
  });

  test("refuses what can't be meant", async () => {
    const options = [
      ["--bytes", "13"],
      ["--dialect", "xml"],
      ["--rate", "0"],
      ["--inflight", "1025"],
    ] as const;
    const results = await Promise.all(options.map(([option, value]) => bench(option, value)));
    results.forEach(({ code, stderr }, index) => {
      expect(code).toBe(2);
      expect(stderr).toContain(`${options[index]?.[0] ?? ""} must be`);
    });
  });

  test("ends in good order when it is interrupted", async () => {
    const running = launch(["bench", "--seconds", "60"], { env: { RINGCAST_URL: hub.url } });
    await until("it has begun", async () => JSON.stringify(await topics()).includes("bench."));
    running.child.kill("SIGINT");
    expect(await running.ended).toBe(0);
    expect(await topics()).toEqual([]);
  });
});
