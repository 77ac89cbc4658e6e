/** Starts clients: processes of Node, pages of Chromium. */
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../../test/support/launch-chromium.js";
import type { Outcome, Task } from "./task.js";

/** Does a task, with the SDK in `folder` (`…/client-sdk`, built) or, without one, written by hand. */
export type RunTask = (task: Task, folder?: string) => Promise<Outcome>;

const HERE = dirname(fileURLToPath(import.meta.url));
const TASK_TIMEOUT_MS = 600_000;
const run = promisify(execFile);

/** In a process of its own, started for it. */
export const runInNode: RunTask = async (task, folder) => {
  const args = ["--import", "tsx", join(HERE, "node-client.ts"), JSON.stringify(task)];
  const entry = task.dialect === "binary" ? "dist/index.js" : "dist/json/index.js";
  if (folder !== undefined) args.push(pathToFileURL(join(folder, entry)).href);
  const { stdout } = await run(process.execPath, args, { timeout: TASK_TIMEOUT_MS });
  return JSON.parse(stdout) as Outcome;
};

export interface Pages extends AsyncDisposable {
  /** Of the pages: the hub has to allow it. */
  readonly origin: string;
  /** In a page of its own, opened for it. */
  readonly runInPage: RunTask;
}

/** Starts the browser, and serves a page for each SDK. */
export async function openPages(folders: readonly string[]): Promise<Pages> {
  const programs = new Map(await Promise.all(folders.map(async (each) => [each, await bundle(each)] as const)));
  const server = createServer(({ url = "/" }, response) => {
    const [, name = "", file] = url.split("/");
    const program = programs.get(decodeURIComponent(name));
    response.writeHead(200, { "Content-Type": file === "program.js" ? "text/javascript" : "text/html" });
    response.end(file === "program.js" ? program : '<!doctype html><script type="module" src="program.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await launchChromium();
  return {
    origin,
    runInPage: async (task, folder) => {
      const page = await browser.newPage();
      try {
        await page.goto(`${origin}/${encodeURIComponent(folder ?? folders[0] ?? "")}/`);
        await page.waitForFunction(() => "runTask" in globalThis);
        return await runTask(browser, page, task, folder === undefined);
      } finally {
        await page.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What an application's tools make of the page. */
async function bundle(folder: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, "page.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["browser"],
    alias: {
      "@ringcast/client": join(folder, "dist/browser.js"),
      "@ringcast/client/json": join(folder, "dist/json/browser.js"),
    },
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

async function runTask(browser: Browser, page: Page, task: Task, isByHand: boolean): Promise<Outcome> {
  const before = await rendererSeconds(browser);
  const wallMs = await page.evaluate(
    ({ task, isByHand }) =>
      (globalThis as unknown as { runTask(task: unknown, isByHand: boolean): Promise<number> }).runTask(task, isByHand),
    { task, isByHand },
  );
  return { wallMs, cpuMs: ((await rendererSeconds(browser)) - before) * 1_000 };
}

/** Processor time of the processes that run pages: of one page's, as nothing else happens. What the browser's network process takes isn't the SDK's. */
async function rendererSeconds(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.reduce((sum, { type, cpuTime }) => sum + (type === "renderer" ? cpuTime : 0), 0);
}
