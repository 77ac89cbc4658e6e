/** docs/operations.md and docs/alerts.yml: their commands are run, their unit verified, their names compared with what there is. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { runRingcast, startHub, type TestHub } from "../support/hub.js";
import { programOf, type SystemPackage } from "../support/system-packages.js";
import { tempDir, type TempDir } from "../support/temp-dir.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const PAGE = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
const RULES = readFileSync(join(ROOT, "docs/alerts.yml"), "utf8");
const SYSTEMD: SystemPackage = { name: "systemd", programs: ["/usr/bin/systemd-analyze"] };

/** Text of a section, up to the next heading of the same level. */
function section(title: string): string {
  const from = PAGE.indexOf(`\n## ${title}\n`);
  expect(from).toBeGreaterThan(0);
  const to = PAGE.indexOf("\n## ", from + 1);
  return PAGE.slice(from, to < 0 ? undefined : to);
}

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map(
    (match) => match[1] as string,
  );
}

/** First cells of the rows of a table whose first cell is code. */
function firstCells(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] as string);
}

describe("the page on operations", { timeout: 60_000 }, () => {
  let hub: TestHub;
  let folder: TempDir;

  beforeAll(async () => {
    folder = tempDir();
    hub = await startHub();
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** Runs commands of the page as a shell would, with `ringcast` on the path. */
  function shell(commands: string, url: string): { readonly status: number | null; readonly stderr: string } {
    const bin = join(folder.path, "bin");
    mkdirSync(bin, { recursive: true });
    const launcher = join(bin, "ringcast");
    writeFileSync(launcher, `#!/bin/sh\nexec '${process.execPath}' '${inject("launcher")}' "$@"\n`);
    chmodSync(launcher, 0o755);
    const env = { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}`, RINGCAST_URL: url };
    return spawnSync("/bin/sh", ["-ec", commands], { cwd: folder.path, env, encoding: "utf8" });
  }

  test("has backup and restore commands that work as they stand", async () => {
    await using other = await startHub();
    for (const data of ["1", "2", "3"]) await runRingcast(["pub", "orders", data], { env: { RINGCAST_URL: hub.url } });
    await runRingcast(["pub", "orders.eu", "4"], { env: { RINGCAST_URL: hub.url } });
    for (const commands of blocks(section("Backup"), "sh")) {
      expect(shell(commands, hub.url)).toMatchObject({ status: 0, stderr: "" });
    }
    for (const commands of blocks(section("Restore"), "sh")) {
      expect(shell(commands, other.url)).toMatchObject({ status: 0, stderr: "" });
    }
    const { stdout } = await runRingcast(["export", ">"], { env: { RINGCAST_URL: other.url } });
    expect(stdout).toBe((await runRingcast(["export", ">"], { env: { RINGCAST_URL: hub.url } })).stdout);
  });

  test("has commands that a shell can read", () => {
    for (const commands of blocks(PAGE, "sh")) {
      const { status, stderr } = spawnSync("/bin/sh", ["-n", "-c", commands], { encoding: "utf8" });
      expect({ commands, status, stderr }).toEqual({ commands, status: 0, stderr: "" });
    }
  });

  test.skipIf(programOf(SYSTEMD) === undefined)("has a unit that systemd accepts", () => {
    const [unit = ""] = blocks(section("Under systemd"), "ini");
    const file = join(folder.path, "ringcast.service");
    writeFileSync(file, unit.replace("/usr/local/bin/ringcast", process.execPath));
    const { status, stderr } = spawnSync("/usr/bin/systemd-analyze", ["verify", "--man=no", file], {
      encoding: "utf8",
    });
    expect(stderr.split("\n").filter((line) => line.includes("ringcast.service"))).toEqual([]);
    expect(status).toBe(0);
  });

  test("explains each alert, and alerts on nothing but what the hub measures", async () => {
    const alerts = [...RULES.matchAll(/- alert: (\w+)/g)].map((match) => match[1]);
    expect(alerts.length).toBeGreaterThan(10);
    expect(firstCells(section("Alerts"))).toEqual(alerts);
    const metrics = await (await fetch(`${hub.url}/metrics`)).text();
    const known = new Set([...metrics.matchAll(/^# TYPE (\w+)/gm)].map((match) => match[1]));
    const used = [...(RULES + PAGE).matchAll(/\b(?:ringcast|process|nodejs)_[a-z0-9_]+/g)].map((match) => match[0]);
    expect(used.length).toBeGreaterThan(15);
    for (const name of used) expect(known).toContain(name.replace(/_bucket$/, ""));
  });

  test("explains each line that is written about the storage", () => {
    const files = ["storage-watch.ts", "system-limits.ts"];
    const source = files.map((name) => readFileSync(join(ROOT, "server/src", name), "utf8")).join("");
    const lines = [...source.matchAll(/"([a-z][^"]* [^"]+)"/g)]
      .map((match) => match[1])
      .filter((line) => line !== "topic created");
    expect(lines.length).toBeGreaterThan(8);
    expect(firstCells(section("Log lines")).sort()).toEqual(lines.sort());
  });

  test("has no link that leads nowhere inside the page", () => {
    const anchors = [...PAGE.matchAll(/^## (.+)$/gm)].map(([, title = ""]) => `#${slug(title)}`);
    for (const [, target = ""] of PAGE.matchAll(/\]\((#[^)]+)\)/g)) expect(anchors).toContain(target);
  });
});

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}
