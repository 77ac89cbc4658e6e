/** Every example as it stands in examples/, against a hub of the test's own: only the port is another. */
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import { describe, expect, inject, it } from "vitest";
import { describeInBrowser, launchChromium } from "../support/chromium.js";
import { startHub } from "../support/hub.js";
import { until, within } from "../support/until.js";

const EXAMPLES = join(dirname(fileURLToPath(import.meta.url)), "../../examples");
/** Beside the packages that were built for the tests, so that imports find them. */
const folder = join(dirname(inject("launcher")), "../../..", "examples");

function sourceOf(name: string, port: number): string {
  return readFileSync(join(EXAMPLES, name), "utf8").replaceAll("127.0.0.1:7447", `127.0.0.1:${port}`);
}

/** Starts a copy of an example. */
function run(name: string, port: number) {
  const { code } = transformSync(sourceOf(name, port), { loader: "ts", format: "esm", target: "node20" });
  const path = join(folder, String(port), name.replace(/\.ts$/, ".mjs"));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  const child = spawn(process.execPath, [path], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const started = {
    lines: [] as string[],
    errors: "",
    /** Waits for the end of a program that ends by itself. */
    end: async () => {
      expect({ code: await within(`${name} to end`, ended), errors: started.errors }).toEqual({ code: 0, errors: "" });
      return started.lines;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
    },
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => started.lines.push(...text.trimEnd().split("\n")));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (started.errors += text));
  return started;
}

describe("the examples", () => {
  it("see the same offsets, whatever they speak", async () => {
    await using node = await startHub();
    await using plain = run("plain-subscriber.mjs", node.port);
    await using events = run("sse-reader.mjs", node.port);
    expect(await run("first-program.ts", node.port).end()).toEqual(["stored at 0/0"]);
    expect(await run("http-publisher.mjs", node.port).end()).toEqual(["1", "2"]);
    const all = ['0 {"hello":"world"}', '1 {"hello":"http"}', '2 {"hello":"one"}', '3 {"hello":"two"}'];
    await until("both readers have everything", () => plain.lines.length >= 4 && events.lines.length >= 4);
    expect(plain.lines).toEqual(all);
    expect(events.lines).toEqual(all);
  });

  it("resume the event stream when the hub was killed", async () => {
    await using node = await startHub();
    await using events = run("sse-reader.mjs", node.port);
    await run("first-program.ts", node.port).end();
    await until("the first has arrived", () => events.lines.length === 1);
    await node.kill();
    await node.restart();
    await run("http-publisher.mjs", node.port).end();
    await until("the others have arrived", () => events.lines.length === 4);
    expect(events.lines.map((line) => line.split(" ")[0])).toEqual(["0", "1", "2", "3"]);
  });

  it("keep the subscriber that is written from the protocol alone within 15 lines", () => {
    expect(
      readFileSync(join(EXAMPLES, "plain-subscriber.mjs"), "utf8").trimEnd().split("\n").length,
    ).toBeLessThanOrEqual(15);
  });
});

describeInBrowser("the first program in a browser", () => {
  it("shows what is there and what comes, also after the hub was killed", async () => {
    let page = "";
    const web = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(page));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    await using node = await startHub({ args: ["--allowed-origins", origin] });
    page = sourceOf("first-program.html", node.port);
    await run("first-program.ts", node.port).end();
    const browser = await launchChromium();
    try {
      const tab = await browser.newPage();
      await tab.goto(origin);
      const shown = () => tab.locator("#log").textContent();
      await until("the first is shown", async () => (await shown()) === "0: world\n");
      await node.kill();
      await node.restart();
      await run("http-publisher.mjs", node.port).end();
      await until("all are shown", async () => (await shown()) === "0: world\n1: http\n2: one\n3: two\n");
    } finally {
      await browser.close();
      web.close();
    }
  });
});
