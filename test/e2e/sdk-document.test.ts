/** Every block of docs/sdk.md that is marked `ts`, run in a process of its own against one hub, in the order of the page. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import { describe, expect, inject, it } from "vitest";
import { startHub } from "../support/hub.js";

const PAGE = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "../../docs/sdk.md"), "utf8");
/** Beside the packages that were built for the tests, so that imports find them. */
const folder = join(dirname(inject("launcher")), "../../..", "sdk-document");

const [setup = ""] = [...PAGE.matchAll(/^```ts setup\n(.*?)^```/gms)].map(([, code = ""]) => code);
const blocks = [...PAGE.matchAll(/^## ([^\n]+)\n\n```ts\n(.*?)^```/gms)].map(([, title = "", code = ""]) => ({
  title,
  code: code.includes("import { connect") ? code : setup + code,
}));

describe("docs/sdk.md", () => {
  it("has an example for each task", () => {
    expect(blocks.length).toBeGreaterThanOrEqual(15);
  });

  it("runs", async () => {
    await using node = await startHub();
    mkdirSync(folder, { recursive: true });
    const names = blocks.map(({ code }, n) => {
      const source = code.replaceAll("127.0.0.1:7447", `127.0.0.1:${node.port}`);
      const name = `block-${node.port}-${n}.mjs`;
      writeFileSync(join(folder, name), transformSync(source, { loader: "ts", format: "esm", target: "node20" }).code);
      return name;
    });
    const runner = join(folder, `run-${node.port}.mjs`);
    writeFileSync(runner, names.map((name) => `await import("./${name}");\nconsole.log("done ${name}");`).join("\n"));
    const { status, stdout, stderr } = spawnSync(process.execPath, [runner], { encoding: "utf8", timeout: 40_000 });
    const done = [...stdout.matchAll(/^done /gm)].length;
    expect({ status, stderr, failed: blocks[done]?.title }).toEqual({ status: 0, stderr: "", failed: undefined });
    expect(stdout).toContain("invalid_topic false");
  });
});
