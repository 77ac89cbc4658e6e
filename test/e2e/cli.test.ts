import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { launch, runRingcast, startHub, type CommandResult, type TestHub } from "../support/hub.js";
import { tempDir } from "../support/temp-dir.js";
import { until, within } from "../support/until.js";

const TOKEN = "cli-token-of-more-than-thirty-two-characters";
const COMMANDS = [
  "serve",
  "config",
  "check",
  "health",
  "top",
  "pub",
  "sub",
  "history",
  "topics",
  "topic",
  "export",
  "import",
  "demo",
  "bench",
];
const NOBODY = "http://127.0.0.1:1";

// Most of its time is the start of processes, several of which find room on the smallest machine.
describe.concurrent("ringcast", () => {
  let hub: TestHub;

  beforeAll(async () => {
    hub = await startHub();
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });

  /** Runs a command against the hub to its end. */
  function ringcast(...args: string[]): Promise<CommandResult> {
    return runRingcast(args, { env: { RINGCAST_URL: hub.url } });
  }

  describe("help and usage", () => {
    test("lists its commands without arguments, and with --help", async () => {
      const bare = await runRingcast([]);
      const asked = await runRingcast(["--help"]);
      expect(bare).toEqual(asked);
      expect(bare.code).toBe(0);
      for (const command of COMMANDS) expect(bare.stdout).toContain(`\n  ${command} `);
    });

    test.each(COMMANDS)("explains %s with its options and examples", async (command) => {
      const { code, stdout } = await runRingcast([command, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: ringcast ${command} `);
      expect(stdout).toContain("Examples:");
      expect(stdout).toContain("--");
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
    });

    test("tells its version", async () => {
      expect((await runRingcast(["--version"])).stdout).toMatch(/^ringcast \d+\.\d+\.\d+\n$/);
    });

    test("end with 1 and a sentence where the output can't be written", () => {
      const command = ["-c", '"$0" "$@" > /dev/full', process.execPath, inject("launcher"), "config"];
      const { status, stderr } = spawnSync("/bin/sh", command, { encoding: "utf8" });
      expect(status).toBe(1);
      expect(stderr).toBe("error: The output can't be written (ENOSPC).\n");
    });

    test.each([
      ["an unknown command", ["publish"], '"publish"'],
      ["an unknown option", ["sub", "t", "--form", "earliest"], "--form"],
      ["a missing topic", ["pub"], "topic"],
      ["data that is not one argument", ["pub", "t", "a", "b"], "quotes"],
      ["a start that is none", ["sub", "t", "--from", "soon"], '"soon"'],
      ["a count that is none", ["sub", "t", "-n", "0"], '"0"'],
      ["a header without a value", ["pub", "t", "1", "-H", "x"], '"x"'],
      ["an unknown action", ["topics", "drop", "t"], '"drop"'],
      ["an unknown action of a topic", ["topic", "t", "drop"], '"drop"'],
      ["an end that is none", ["history", "t", "--until", "soon"], '"soon"'],
      ["a filter without a value", ["history", "t", "-H", "kind"], '"kind"'],
      ["a format that is none", ["export", "t", "--format", "xml"], "packed"],
      ["an import of two files", ["import", "a", "b"], "one file"],
      ["an interval that is none", ["top", "--interval", "0"], '"0"'],
      ["a storage that is none", ["topics", "create", "t", "--storage", "tape"], "memory"],
      ["a speed that is none", ["demo", "--speed", "fast"], '"fast"'],
      ["an address that is none", ["topics", "--url", "hub"], '"hub"'],
      ["an unknown setting", ["serve", "--prot", "1"], "--port"],
      ["a setting out of range", ["config", "--port", "70000"], "--port"],
    ])("ends with 2 and a sentence for %s", async (_, args, named) => {
      const { code, stdout, stderr } = await runRingcast(args);
      expect(code).toBe(2);
      expect(stdout).toBe("");
      expect(stderr).toContain(named);
      expect(stderr).not.toContain("    at ");
    });

    test.each([
      ["pub", "t", "1"],
      ["sub", "t"],
      ["topics"],
      ["topic", "t"],
      ["history", "t"],
      ["export", "t"],
      ["top"],
      ["demo"],
    ])("%s ends with 1 and says what to do when no hub answers", async (...args) => {
      const { code, stdout, stderr } = await runRingcast([...args, "--url", NOBODY]);
      expect(code).toBe(1);
      expect(stdout).toBe("");
      expect(stderr).toContain("ringcast serve");
      expect(stderr).not.toContain("    at ");
    });
  });

  describe("pub and sub", () => {
    test("publish and print lines of JSON, without colours, when piped", async () => {
      const published = await ringcast("pub", "cli.one", '{"text":"hi"}', "--key", "ana", "-H", "kind=greeting");
      expect(published.code).toBe(0);
      const place = JSON.parse(published.stdout) as object;
      expect(place).toMatchObject({ topic: "cli.one", partition: 0, offset: 0 });
      const { code, stdout } = await ringcast("sub", "cli.one", "--from", "earliest", "-n", "1");
      expect(code).toBe(0);
      expect(stdout).not.toContain("\u001b");
      const expected = { ...place, key: "ana", headers: { kind: "greeting" }, data: { text: "hi" } };
      expect(JSON.parse(stdout)).toEqual(expected);
    });

    test.each([
      ["a number beyond 2^53", "9007199254740993"],
      ["a number with its zeros", "1.50"],
      ["a number beyond all", "[1e400,-0]"],
      ["digits in a string", '"9007199254740993 \\" 1.50"'],
      ["bytes", '{"$bytes":"AAEC"}'],
    ])("keep %s as it was typed", async (_, json) => {
      const { topic, offset } = JSON.parse((await ringcast("pub", "cli.exact", json)).stdout) as Published;
      const { stdout } = await ringcast("sub", topic, "--from", String(offset), "-n", "1");
      expect(stdout).toMatch(/"data":(.*)\}\n$/);
      expect(/"data":(.*)\}\n$/.exec(stdout)?.[1]).toBe(json);
    });

    test("take what is no JSON as a text, and --text all", async () => {
      await ringcast("pub", "cli.text", "hello world");
      await ringcast("pub", "cli.text", "--text", "42");
      expect(await dataOf("cli.text", 2)).toEqual(["hello world", "42"]);
    });

    test("publish a file in its order, with keys out of its lines", async () => {
      using folder = tempDir();
      const file = join(folder.path, "events.ndjson");
      const lines = Array.from({ length: 2500 }, (_, index) => JSON.stringify({ index, user: `u${index % 7}` }));
      writeFileSync(file, lines.join("\n"));
      const { code, stdout } = await ringcast("pub", "cli.file", "--file", file, "--key-field", "user");
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ topic: "cli.file", messages: 2500, complete: true });
      const read = await ringcast("sub", "cli.file", "--from", "earliest", "-n", "2500");
      const messages = read.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Line);
      expect(messages.map(({ data }) => (data as { index: number }).index)).toEqual(lines.map((_, index) => index));
      expect(messages.every(({ key, data }) => key === (data as { user: string }).user)).toBe(true);
    });

    test("publish lines of standard input, and name the line that is no JSON", async () => {
      const env = { RINGCAST_URL: hub.url };
      const good = await runRingcast(["pub", "cli.input"], { env, input: '{"a":1}\n\n{"a":2}\n' });
      expect(JSON.parse(good.stdout)).toMatchObject({ messages: 2 });
      const bad = await runRingcast(["pub", "cli.input"], { env, input: '{"a":1}\n{oops\n' });
      expect(bad.code).toBe(1);
      expect(bad.stderr).toContain("Line 2");
      const missing = await ringcast("pub", "cli.input", "--file", "/nonexistent/events");
      expect(missing.code).toBe(1);
      expect(missing.stderr).toContain("/nonexistent/events");
    });

    test("sub follows a pattern live, ends with 0 on SIGINT", async () => {
      const running = launch(["sub", "cli.live.*", "--from", "earliest"], { env: { RINGCAST_URL: hub.url } });
      await ringcast("pub", "cli.live.a", "1");
      await ringcast("pub", "cli.live.b", "2");
      await until("both are printed", () => running.stdout.trimEnd().split("\n").length === 2);
      running.child.kill("SIGINT");
      expect(await within("sub to end", running.ended)).toBe(0);
      const seen = running.stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as Line).topic);
      expect(seen.sort()).toEqual(["cli.live.a", "cli.live.b"]);
    });

    test("sub ends in silence when its reader goes away", async () => {
      const input = Array.from({ length: 20_000 }, (_, index) => `{"index":${index}}`).join("\n");
      await runRingcast(["pub", "cli.pipe"], { env: { RINGCAST_URL: hub.url }, input });
      const running = launch(["sub", "cli.pipe", "--from", "earliest"], { env: { RINGCAST_URL: hub.url } });
      await until("the first lines are there", () => running.stdout.length > 0);
      running.child.stdout?.destroy();
      expect(await within("sub to end", running.ended)).toBe(0);
      expect(running.stderr).toBe("");
    });

    test("sub goes on at the next message when the hub was killed and came back", async () => {
      await using own = await startHub();
      const env = { RINGCAST_URL: own.url };
      const running = launch(["sub", "t", "--from", "earliest"], { env });
      await runRingcast(["pub", "t", "1"], { env });
      await until("the first is printed", () => running.stdout.includes('"data":1'));
      await own.kill();
      await own.restart();
      await runRingcast(["pub", "t", "2"], { env });
      await until("the second is printed", () => running.stdout.includes('"data":2'));
      expect(running.stdout.trimEnd().split("\n")).toHaveLength(2);
      running.child.kill("SIGINT");
      expect(await within("sub to end", running.ended)).toBe(0);
    });

    test("the hub's refusal is one sentence and 1", async () => {
      const { code, stderr } = await ringcast("pub", "not..legal", "1");
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error: .*not\.\.legal.*\n$/);
    });

    async function dataOf(topic: string, count: number): Promise<unknown[]> {
      const { stdout } = await ringcast("sub", topic, "--from", "earliest", "-n", String(count));
      return stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as Line).data);
    }
  });

  test("topics are created, shown, set, listed and deleted", async () => {
    const created = await ringcast("topics", "create", "cli.t", "--partitions", "3", "--storage", "memory");
    expect(created.code).toBe(0);
    expect(JSON.parse(created.stdout)).toMatchObject({ name: "cli.t", config: { partitions: 3, storage: "memory" } });
    const again = await ringcast("topics", "create", "cli.t");
    expect(again.code).toBe(1);
    const set = await ringcast("topics", "set", "cli.t", "--durability", "synced");
    expect(JSON.parse(set.stdout)).toMatchObject({ config: { partitions: 3, durability: "synced" } });
    expect((await ringcast("topics", "set", "cli.none", "--durability", "synced")).code).toBe(1);
    expect((await ringcast("topics")).stdout).toContain('{"name":"cli.t","partitions":3}\n');
    const unsure = await ringcast("topics", "delete", "cli.t");
    expect(unsure.code).toBe(1);
    expect((await ringcast("topics", "show", "cli.t")).code).toBe(0);
    expect((await ringcast("topics", "delete", "cli.t", "--yes")).code).toBe(0);
    const gone = await ringcast("topics", "show", "cli.t");
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain("cli.t");
  });

  test("one topic is created with its retention, listed by pattern, and deleted", async () => {
    const created = await ringcast(
      "topic",
      "cli.one-topic",
      "create",
      "--retention-ms",
      "60000",
      "--retention-records",
      "7",
    );
    expect(JSON.parse(created.stdout)).toMatchObject({ config: { retentionMs: 60_000, retentionRecords: 7 } });
    expect((await ringcast("topic", "cli.one-topic")).stdout).toBe(created.stdout);
    expect((await ringcast("topics", "*.one-topic")).stdout).toBe('{"name":"cli.one-topic","partitions":1}\n');
    expect((await ringcast("topic", "cli.one-topic", "delete", "--yes")).code).toBe(0);
    expect((await ringcast("topics", "*.one-topic")).stdout).toBe("");
  });

  describe("history", () => {
    beforeAll(async () => {
      await ringcast("topic", "cli.history", "create", "--partitions", "2");
      const input = Array.from({ length: 2500 }, (_, index) => JSON.stringify({ index, user: `u${index % 10}` })).join(
        "\n",
      );
      await runRingcast(["pub", "cli.history", "--key-field", "user"], { env: { RINGCAST_URL: hub.url }, input });
      await ringcast("pub", "cli.history", "9007199254740993", "--partition", "1", "-H", "kind=big");
    });

    test("prints all that is stored, partition by partition, and ends", async () => {
      const messages = await historyOf();
      expect(messages).toHaveLength(2501);
      const offsets = new Map<number, number>();
      for (const { partition, offset } of messages) {
        expect(offset).toBe(offsets.get(partition) ?? 0);
        offsets.set(partition, offset + 1);
      }
      expect(offsets.size).toBe(2);
    });

    test("prints what lies between two places of a partition, and as many as asked for", async () => {
      const between = await historyOf("--partition", "1", "--from", "5", "--until", "8");
      expect(between.map(({ offset }) => offset)).toEqual([5, 6, 7]);
      expect(await historyOf("--from", "last:3")).toHaveLength(6);
      expect(await historyOf("-n", "4")).toHaveLength(4);
      expect(await historyOf("--until", "1h")).toEqual([]);
      const unsure = await ringcast("history", "cli.history", "--from", "5");
      expect(unsure.code).toBe(2);
      expect(unsure.stderr).toContain("--partition");
    });

    test("leaves out what has another key or header, and keeps numbers as they were published", async () => {
      const keyed = await historyOf("--key", "u3", "--key", "u4");
      expect(keyed).toHaveLength(500);
      const { stdout } = await ringcast("history", "cli.history", "--header", "kind=big");
      expect(stdout).toMatch(/"data":9007199254740993\}\n$/);
    });

    async function historyOf(...args: string[]): Promise<(Line & { partition: number; offset: number })[]> {
      const { code, stdout } = await ringcast("history", "cli.history", ...args);
      expect(code).toBe(0);
      const lines = stdout.split("\n").filter((line) => line !== "");
      return lines.map((line) => JSON.parse(line) as Line & { partition: number; offset: number });
    }
  });

  test("health asks the hub that is named, or the one that the settings describe", async () => {
    expect((await ringcast("health")).code).toBe(0);
    expect((await ringcast("health", "--ready")).stdout).toBe('{"status":"ready"}\n');
    expect((await runRingcast(["health"], { env: { RINGCAST_PORT: String(hub.port) } })).code).toBe(0);
    const nobody = await runRingcast(["health", "--url", NOBODY]);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain(NOBODY);
  });

  test("demo publishes the week, each quake under its network's code", async () => {
    const { code, stdout } = await ringcast("demo", "--speed", "1000");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ topic: "quakes", messages: 1707, complete: true });
    const read = await ringcast("sub", "quakes", "--from", "last:1", "-n", "1");
    expect(JSON.parse(read.stdout)).toMatchObject({
      offset: 1706,
      key: "ci",
      data: { id: "ci37868143", magnitude: 2 },
    });
  });

  test("a token from the variable or the option lets in, without one it is said", async () => {
    await using guarded = await startHub({ env: { RINGCAST_TOKEN: TOKEN } });
    const env = { RINGCAST_URL: guarded.url };
    const publish = ["pub", "t", "1"];
    expect((await runRingcast(publish, { env: { ...env, RINGCAST_TOKEN: TOKEN } })).code).toBe(0);
    expect((await runRingcast([...publish, "--token", TOKEN], { env })).code).toBe(0);
    for (const args of [publish, [...publish, "--token", "wrong"], ["topics"]]) {
      const { code, stderr } = await runRingcast(args, { env });
      expect(code).toBe(1);
      expect(stderr).toMatch(/token/i);
      expect(stderr).not.toContain(TOKEN);
    }
  });

  test("config prints every setting with its source, as lines of JSON, secrets masked", async () => {
    using folder = tempDir();
    writeFileSync(join(folder.path, "ringcast.config.json"), JSON.stringify({ maxBatch: 5 }));
    const env = { RINGCAST_TOKEN: TOKEN, RINGCAST_PORT: "8001" };
    const { code, stdout } = await runRingcast(["config", "--host", "localhost"], { env, cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout).not.toContain(TOKEN);
    const settings = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Setting);
    const byKey = new Map(settings.map((setting) => [setting.key, setting]));
    expect(byKey.get("host")).toMatchObject({ value: "localhost", source: "flag" });
    expect(byKey.get("port")).toMatchObject({ value: 8001, source: "environment" });
    expect(byKey.get("maxBatch")).toMatchObject({ value: 5, source: "file" });
    expect(byKey.get("data")).toMatchObject({ source: "default" });
  });
});

interface Published {
  readonly topic: string;
  readonly offset: number;
}

interface Line {
  readonly topic: string;
  readonly key?: string;
  readonly data: unknown;
}

interface Setting {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}
