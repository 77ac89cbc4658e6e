import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch, runRingcast, startHub, type CommandResult, type TestHub } from "../support/hub.js";
import { ensureProgram, programOf } from "../support/system-packages.js";
import { tempDir, type TempDir } from "../support/temp-dir.js";
import { openTerminal, plain, SCRIPT } from "../support/terminal.js";
import { until, within } from "../support/until.js";

const AWKWARD = ["9007199254740993", "1.50", '{ "a" : [1e400, -0, "\\ud800"] }', '{"$bytes":"AAEC"}', "null"];

ensureProgram(SCRIPT);

describe("export and import", { timeout: 60_000 }, () => {
  let hub: TestHub;
  let other: TestHub;
  let folder: TempDir;

  beforeAll(async () => {
    [hub, other] = await Promise.all([startHub(), startHub()]);
    folder = tempDir();
    await at(hub, "topic", "b.orders", "create", "--partitions", "3", "--capacity-bytes", "1048576");
    const lines = Array.from({ length: 4000 }, (_, index) => JSON.stringify({ index, user: `u${index % 50}` }));
    await runRingcast(["pub", "b.orders", "--key-field", "user"], { env: envOf(hub), input: lines.join("\n") });
    for (const data of AWKWARD) await at(hub, "pub", "b.awkward", data, "--key", "k", "-H", "kind=awkward");
    await postText("b.awkward", "line one\nline two");
  });
  afterAll(async () => {
    folder[Symbol.dispose]();
    await Promise.all([hub[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  });

  function envOf({ url }: TestHub): Record<string, string> {
    return { RINGCAST_URL: url };
  }

  function at(where: TestHub, ...args: string[]): Promise<CommandResult> {
    return runRingcast(args, { env: envOf(where) });
  }

  async function postText(topic: string, text: string): Promise<void> {
    const headers = { "Content-Type": "text/plain" };
    const answer = await fetch(`${hub.url}/v1/topics/${topic}/messages`, { method: "POST", headers, body: text });
    expect(answer.status).toBe(201);
  }

  /** Everything below a pattern, as lines. */
  async function linesOf(where: TestHub, pattern: string): Promise<string[]> {
    const { code, stdout } = await at(where, "export", pattern);
    expect(code).toBe(0);
    return stdout.trimEnd().split("\n").sort();
  }

  test.each(["ndjson", "packed"])("give back every message at its place, byte for byte, as %s", async (format) => {
    await using target = await startHub();
    const file = join(folder.path, `all.${format}`);
    const exported = await at(hub, "export", "b.>", "--format", format, "-o", file);
    expect(exported.code).toBe(0);
    expect(JSON.parse(exported.stdout)).toEqual({ file, topics: 2, messages: 4006, gaps: 0 });
    const imported = await at(target, "import", file);
    expect(imported.stderr).toBe("");
    expect(JSON.parse(imported.stdout)).toEqual({ topics: 2, messages: 4006, alreadyThere: 0, complete: true });
    const lines = await linesOf(hub, "b.>");
    expect(await linesOf(target, "b.>")).toEqual(lines);
    for (const data of AWKWARD) expect(lines.some((line) => line.endsWith(`"data":${data}}`))).toBe(true);
    expect(lines.some((line) => line.includes('"type":"text"') && line.endsWith('"data":"line one\\nline two"}'))).toBe(
      true,
    );
    const copy = join(folder.path, `copy.${format}`);
    await at(target, "export", "b.awkward", "--format", "packed", "-o", copy);
    const original = join(folder.path, "original");
    await at(hub, "export", "b.awkward", "--format", "packed", "-o", original);
    // What the log of the other hub adds is its own; what publishers gave is the same, down to the check.
    expect(payloadsOf(copy)).toEqual(payloadsOf(original));
  });

  test("packed keeps the configuration of a topic", async () => {
    const file = join(folder.path, "orders.ringcast");
    await at(hub, "export", "b.orders", "--format", "packed", "-o", file);
    await at(other, "import", file, "--as", "configured");
    const { config } = JSON.parse((await at(other, "topic", "configured")).stdout) as { config: object };
    expect(config).toMatchObject({ partitions: 3, capacityBytes: 1_048_576 });
  });

  test("warn where the topic is smaller than the file", async () => {
    const file = join(folder.path, "large.ndjson");
    await at(hub, "export", "b.orders", "-o", file);
    await at(other, "topic", "small", "create", "--partitions", "3", "--retention-records", "100");
    const { code, stderr } = await at(other, "import", file, "--as", "small");
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: 3,700 of the messages of small are gone again/);
  });

  test("go on where an import was interrupted, and store nothing twice", async () => {
    const file = join(folder.path, "resumed.ndjson");
    await at(hub, "export", "b.awkward", "-o", file);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const part = join(folder.path, "part.ndjson");
    writeFileSync(part, lines.slice(0, 2).join("\n"));
    expect((await at(other, "import", part, "--as", "resumed")).code).toBe(0);
    const rest = await at(other, "import", file, "--as", "resumed");
    expect(JSON.parse(rest.stdout)).toEqual({ topics: 1, messages: 4, alreadyThere: 2, complete: true });
    const again = await at(other, "import", file, "--as", "resumed");
    expect(JSON.parse(again.stdout)).toEqual({ topics: 1, messages: 0, alreadyThere: 6, complete: true });
  });

  test("refuse a topic that holds something else, and say what can be done", async () => {
    const file = join(folder.path, "taken.ndjson");
    await at(hub, "export", "b.awkward", "-o", file);
    await at(other, "pub", "taken", "1");
    const { code, stderr } = await at(other, "import", file, "--as", "taken");
    expect(code).toBe(1);
    expect(stderr).toContain("--renumber");
    expect((await linesOf(other, "taken")).length).toBe(1);
    const renumbered = await at(other, "import", file, "--as", "taken", "--renumber");
    expect(JSON.parse(renumbered.stdout)).toMatchObject({ messages: 6 });
    const lines = await linesOf(other, "taken");
    expect(lines).toHaveLength(7);
    expect(lines[1]).toMatch(/"offset":1,.*"key":"k","headers":\{"kind":"awkward"\},"data":9007199254740993\}$/);
  });

  test.each([
    [
      "a flipped byte",
      (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(400) ^ 1, 400),
      /Byte \d+: the file is damaged there/,
    ],
    ["a cut", (bytes: Buffer) => bytes.subarray(0, bytes.length - 40), /Byte \d+: the file is cut off/],
  ])("store nothing of a packed file with %s, and name the place", async (_, damage, message) => {
    const file = join(folder.path, "whole.ringcast");
    await at(hub, "export", "b.awkward", "--format", "packed", "-o", file);
    const bytes = readFileSync(file);
    const changed = damage(bytes);
    const broken = join(folder.path, "broken.ringcast");
    writeFileSync(broken, typeof changed === "number" ? bytes : changed);
    const { code, stderr } = await at(other, "import", broken, "--as", "broken");
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect((await at(other, "topic", "broken")).code).toBe(1);
  });

  test("name the line of a file that is no record, and take what stands before it with --partial", async () => {
    const file = join(folder.path, "lines.ndjson");
    await at(hub, "export", "b.awkward", "-o", file);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    writeFileSync(file, [...lines.slice(0, 3), "{oops", ...lines.slice(3)].join("\n"));
    const refused = await at(other, "import", file, "--as", "partial");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Line 4");
    expect((await at(other, "topic", "partial")).code).toBe(1);
    const taken = await at(other, "import", file, "--as", "partial", "--partial");
    expect(taken.code).toBe(1);
    expect(JSON.parse(taken.stdout)).toEqual({ topics: 1, messages: 3, alreadyThere: 0, complete: false });
  });

  test("tell a gap, with exit code 1", async () => {
    await at(hub, "topic", "gaps", "create", "--capacity-bytes", "65536");
    const body = JSON.stringify({ messages: Array.from({ length: 10 }, () => ({ data: "x".repeat(1000) })) });
    const headers = { "Content-Type": "application/json" };
    for (let i = 0; i < 12; i++) await fetch(`${hub.url}/v1/topics/gaps/messages`, { method: "POST", headers, body });
    const { code, stdout, stderr } = await at(hub, "export", "gaps", "--from", "0");
    expect(code).toBe(1);
    expect(stderr).toContain("offsets 0 to ");
    expect(stdout.trimEnd().split("\n").length).toBeLessThan(120);
  });

  test("leave nothing behind when an export is interrupted", async () => {
    using own = tempDir();
    const lines = Array.from({ length: 50_000 }, (_, index) => JSON.stringify({ index }));
    await runRingcast(["pub", "b2.many"], { env: envOf(hub), input: lines.join("\n") });
    const file = join(own.path, "many.ndjson");
    const running = launch(["export", "b2.many", "-o", file], { env: envOf(hub) });
    await until("it writes", () => readdirSync(own.path).length > 0);
    expect(readdirSync(own.path)).not.toContain("many.ndjson");
    running.child.kill("SIGINT");
    const code = await within("export to end", running.ended);
    const left = readdirSync(own.path);
    if (code === 0) expect(left).toEqual(["many.ndjson"]);
    else expect(left).toEqual([]);
  });

  test("ask for a topic that is there, and for a file", async () => {
    const missing = await at(hub, "export", "nobody.knows");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("nobody.knows");
    expect((await at(hub, "topic", "nobody.knows")).code).toBe(1);
    expect((await at(hub, "export", "b.orders", "-o", "/nonexistent/file")).stderr).toContain("/nonexistent/file");
    expect((await at(hub, "import", "/nonexistent/file")).stderr).toContain("/nonexistent/file");
    const png = join(folder.path, "picture");
    copyFileSync(new URL("../../docs/images/demo.png", import.meta.url), png);
    expect((await at(hub, "import", png)).stderr).toContain("no backup");
    expect((await at(hub, "export", "b.orders", "--format", "xml")).code).toBe(2);
  });

  test.skipIf(programOf(SCRIPT) === undefined)("draw a bar in a terminal, and take it away", async () => {
    const file = join(folder.path, "bar.ndjson");
    await using terminal = openTerminal(["export", "b.orders", "-o", file], { env: envOf(hub) });
    expect(await within("export to end", terminal.ended)).toBe(0);
    const text = plain(terminal.output);
    expect(text).toMatch(/[█░]{24} +\d+ % · [\d,]+ messages/);
    expect(text.trimEnd().split(/\r\n?/).at(-1)).toMatch(/^exported 4,000 messages of 1 topic to /);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

/** What publishers gave, of each record of a packed file: everything from its check on. */
function payloadsOf(file: string): string[] {
  const bytes = readFileSync(file);
  const payloads: string[] = [];
  for (let at = 16; at < bytes.length; at += 8 + ((bytes.readUInt32LE(at) + 7) & ~7)) {
    const body = bytes.subarray(at + 8, at + 8 + bytes.readUInt32LE(at));
    if (body[0] !== 0xc1) continue;
    const names = body.readUInt8(2) + body.readUInt8(3);
    for (let record = (32 + names + 7) & ~7; record < body.length; record += body.readUInt32LE(record + 4)) {
      const payload =
        48 + body.readUInt16LE(record + 40) + body.readUInt16LE(record + 42) + body.readUInt32LE(record + 36);
      payloads.push(body.toString("hex", record + 32, record + payload));
    }
  }
  return payloads;
}
