import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, runRingcast, startHub, type TestHub } from "../support/hub.js";
import { ensureProgram, programOf } from "../support/system-packages.js";
import { openTerminal, SCRIPT } from "../support/terminal.js";
import { until, within } from "../support/until.js";

const ENTER = "\u001b[?1049h";
const LEAVE = "\u001b[?25h\u001b[?1049l";

ensureProgram(SCRIPT);

describe.skipIf(programOf(SCRIPT) === undefined)("ringcast top", { timeout: 30_000 }, () => {
  let hub: TestHub;
  let env: Record<string, string>;
  let reader: ReturnType<typeof launch>;

  beforeAll(async () => {
    hub = await startHub();
    env = { RINGCAST_URL: hub.url };
    reader = launch(["sub", "top.>", "--from", "earliest"], { env });
    await runRingcast(["pub", "top.orders", "1"], { env });
    await until("the reader reads", () => reader.stdout.includes('"data":1'));
  });
  afterAll(async () => {
    reader.child.kill("SIGKILL");
    await hub[Symbol.asyncDispose]();
  });

  test("prints one look where no terminal is, and the same as JSON", async () => {
    const text = await runRingcast(["top"], { env });
    expect(text.code).toBe(0);
    expect(text.stdout).toContain("1 connections · 1 subscriptions · 1 topics");
    expect(text.stdout).toMatch(/^top\.> +0 +open /m);
    expect(text.stdout).not.toContain("\u001b");
    const json = await runRingcast(["top", "--json"], { env });
    const { totals, rows } = JSON.parse(json.stdout) as { totals: object; rows: object[] };
    expect(totals).toMatchObject({ connections: 1, topics: 1, gaps: 0 });
    expect(rows).toEqual([
      expect.objectContaining({ topic: "top.>", state: "live", lagRecords: 0, address: "127.0.0.1" }),
    ]);
  });

  test("stays in a terminal, renews itself, fits it when it becomes narrow, and gives it back", async () => {
    await using terminal = openTerminal(["top", "--interval", "1"], { env, columns: 120 });
    await until("it shows the reader", () => terminal.screen().some((line) => line.startsWith("top.>")));
    expect(terminal.output).toContain(ENTER);
    expect(terminal.screen().join("\n")).toContain("ADDRESS");
    await runRingcast(["pub", "top.new", "2"], { env });
    await until("it shows the new topic", () => terminal.screen().join("\n").includes("2 topics"));
    terminal.resize(40, 8);
    await until("it is narrow", () => !terminal.screen().join("\n").includes("ADDRESS"));
    expect(Math.max(...terminal.screen().map((line) => line.length))).toBeLessThanOrEqual(40);
    expect(terminal.screen().length).toBeLessThanOrEqual(8);
    terminal.type("q");
    expect(await within("top to end", terminal.ended)).toBe(0);
    expect(terminal.output.slice(terminal.output.lastIndexOf(LEAVE))).toBe(LEAVE);
  });

  test("gives the terminal back at a signal", async () => {
    await using terminal = openTerminal(["top"], { env });
    await until("it shows", () => terminal.screen().some((line) => line.startsWith("top.>")));
    terminal.signal("SIGTERM");
    expect(await within("top to end", terminal.ended)).toBe(0);
    expect(terminal.output).toContain(LEAVE);
  });

  test("disconnects the connection chosen after a yes, and after nothing else", async () => {
    await using terminal = openTerminal(["top", "--interval", "1"], { env });
    const victim = launch(["sub", "victim", "--from", "earliest"], { env });
    try {
      await until("it shows the victim", () => terminal.screen().some((line) => line.startsWith("victim")));
      const place = terminal
        .screen()
        .filter((line) => /^(victim|top\.>) /.test(line))
        .findIndex((line) => line.startsWith("victim"));
      for (let row = 0; row <= place; row++) terminal.type("j");
      terminal.type("d");
      await until("it asks", () => terminal.screen().at(-1)?.startsWith("Disconnect ") === true);
      terminal.type("n");
      await until("it asks no more", () => terminal.screen().at(-1)?.startsWith("q quits") === true);
      terminal.type("d");
      await until("it asks again", () => terminal.screen().at(-1)?.startsWith("Disconnect ") === true);
      expect(victim.stderr).toBe("");
      terminal.type("y");
      await until("the victim is told", () => victim.stderr !== "" || victim.child.exitCode !== null);
    } finally {
      victim.child.kill("SIGKILL");
    }
    terminal.type("\u0003");
    expect(await within("top to end", terminal.ended)).toBe(0);
  });

  test("shows a hostile topic's name as text", async () => {
    const hostile = launch(["sub", "x".repeat(200), "--from", "earliest"], { env });
    try {
      await until("it subscribes", async () => (await runRingcast(["top"], { env })).stdout.includes("xxxx"));
      const lines = (await runRingcast(["top"], { env })).stdout.split("\n");
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(160);
    } finally {
      hostile.child.kill("SIGKILL");
    }
  });
});
