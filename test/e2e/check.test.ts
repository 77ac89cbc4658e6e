import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runRingcast, startHub, type CommandResult } from "../support/hub.js";
import { ensureProgram, programOf } from "../support/system-packages.js";
import { tempDir, type TempDir } from "../support/temp-dir.js";
import { openTerminal, plain, SCRIPT } from "../support/terminal.js";
import { within } from "../support/until.js";

ensureProgram(SCRIPT);

describe("ringcast check", { timeout: 30_000 }, () => {
  let folder: TempDir;
  /** The directory of a hub that was stopped, with two topics. */
  let sound: string;

  beforeAll(async () => {
    folder = tempDir();
    sound = join(folder.path, "sound");
    await using hub = await startHub({ data: sound });
    const input = Array.from({ length: 200 }, (_, index) => JSON.stringify({ index, mark: "damage me" })).join("\n");
    await runRingcast(["pub", "check.orders"], { env: { RINGCAST_URL: hub.url }, input });
    await runRingcast(["pub", "check.other", "1"], { env: { RINGCAST_URL: hub.url } });
    await hub.stop();
  });
  afterAll(() => {
    folder[Symbol.dispose]();
  });

  function copyOf(name: string): string {
    const copy = join(folder.path, name);
    cpSync(sound, copy, { recursive: true });
    return copy;
  }

  function linesOf({ stdout }: CommandResult): Record<string, unknown>[] {
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  test("says that all is well, and changes nothing", async () => {
    const before = contentsOf(sound);
    const result = await runRingcast(["check", sound]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(linesOf(result).at(-1)).toMatchObject({ topics: 2, logs: 2, records: 201, damages: 0 });
    expect(contentsOf(sound)).toEqual(before);
  });

  test("names the offset of a damaged record, with advice, and ends with 1", async () => {
    const data = copyOf("damaged");
    const file = filesOf(data).find((path) => readFileSync(path).includes("damage me")) as string;
    const bytes = readFileSync(file);
    const place = bytes.indexOf('{"index":7,');
    bytes.writeUInt8(bytes.readUInt8(place + 3) ^ 1, place + 3);
    writeFileSync(file, bytes);
    const result = await runRingcast(["check", data]);
    expect(result.code).toBe(1);
    const [finding, summary] = linesOf(result);
    expect(finding).toMatchObject({ severity: "damage", topic: "check.orders", partition: 0, from: 7, to: 7 });
    expect(finding?.["advice"]).toMatch(/\w/);
    expect(summary).toMatchObject({ damages: 1 });
  });

  test("ends with 2 for a directory that a hub has, and for what is none", async () => {
    await using hub = await startHub({ data: copyOf("running") });
    const running = await runRingcast(["check", hub.data]);
    expect(running.code).toBe(2);
    expect(running.stderr).toMatch(/^error: .*hub/);
    const missing = await runRingcast(["check", join(folder.path, "nowhere")]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain("nowhere");
    expect(existsSync(join(folder.path, "nowhere"))).toBe(false);
  });

  test.skipIf(programOf(SCRIPT) === undefined)("tells people in a terminal", async () => {
    await using terminal = openTerminal(["check", sound]);
    expect(await within("check to end", terminal.ended)).toBe(0);
    expect(plain(terminal.output)).toMatch(/checked 201 records of 2 topics in 2 logs, .*\r?\nall is well\r?\n$/);
  });
});

function filesOf(data: string): string[] {
  return readdirSync(data, { recursive: true, encoding: "utf8" })
    .map((name) => join(data, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

/** Digests of all files but the lock, which holds the process that took it last. */
function contentsOf(data: string): string[] {
  const files = filesOf(data).filter((path) => path !== join(data, "lock"));
  return files.map((path) => `${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`);
}
