/** Five kinds of readers of one topic, a process or a page each, all with the same report. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromiumPath, launchChromium } from "./launch-chromium.js";
import type { ReaderReport } from "./readers/record-digest.js";
import { CURL, programOf, PYTHON_MSGPACK } from "./system-packages.js";
import { serveProgram, type WebPage } from "./web-page.js";

export interface ReaderTask {
  /** e.g. `http://127.0.0.1:7447`; the hub allows the page's origin. */
  readonly url: string;
  readonly topic: string;
  /** Each reader reports after so many. */
  readonly records: number;
  /** Of {@link serveReaderPage}. */
  readonly page: WebPage;
  /** More arguments of Node, e.g. `--conditions source`. */
  readonly nodeArgs?: readonly string[];
}

/** A reader that is subscribed. */
export interface RunningReader {
  readonly name: string;
  readonly report: Promise<ReaderReport>;
  stop(): Promise<void>;
}

export interface RunningReaders extends AsyncDisposable {
  readonly running: readonly RunningReader[];
  /** Readers that can't run here, with what they need. */
  readonly leftOut: readonly string[];
}

const READERS = join(dirname(fileURLToPath(import.meta.url)), "readers");
const REPORT_TIMEOUT_MS = 1_200_000;

/** Serves the page that reads in a browser. */
export function serveReaderPage(): Promise<WebPage> {
  return serveProgram(join(READERS, "browser-sdk.ts"));
}

/** Starts all of them that can run here, and waits until they are subscribed. */
export async function startReaders(task: ReaderTask): Promise<RunningReaders> {
  const { url } = task;
  const webSocket = url.replace(/^http/, "ws");
  const leftOut: string[] = [];
  const starting = [
    startProgram("binary SDK in Node", [...nodeCommand(task, "binary-sdk.ts"), webSocket], task),
    startProgram("JSON over ws", [...nodeCommand(task, "json-websocket.ts"), `${webSocket}/v1/ws`], task),
  ];
  if (chromiumPath() === undefined) leftOut.push("binary SDK in Chromium, which needs chromium");
  else starting.push(startPage("binary SDK in Chromium", webSocket, task));
  if (programOf(CURL) === undefined) leftOut.push("events through curl, which needs curl");
  else starting.push(startProgram("events through curl", [...nodeCommand(task, "event-stream.ts"), url], task));
  const python = programOf(PYTHON_MSGPACK);
  if (python === undefined) leftOut.push(`Python, which needs ${PYTHON_MSGPACK.name}`);
  else starting.push(startProgram("Python", [python, join(READERS, "python_reader.py"), webSocket], task));
  return { leftOut, ...(await started(starting)) };
}

/** All or none: where one can't start, the others are stopped. */
async function started(starting: readonly Promise<RunningReader>[]): Promise<Omit<RunningReaders, "leftOut">> {
  const results = await Promise.allSettled(starting);
  const running = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((reader) => reader.stop()));
  };
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return { running, [Symbol.asyncDispose]: stop };
}

function nodeCommand({ nodeArgs = [] }: ReaderTask, program: string): string[] {
  return [process.execPath, ...nodeArgs, "--import", "tsx", join(READERS, program)];
}

async function startProgram(
  name: string,
  [program = "", ...args]: readonly string[],
  { topic, records }: ReaderTask,
): Promise<RunningReader> {
  const child = spawn(program, [...args, topic, String(records)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${name} ended without a report`);
    return value;
  };
  await nextLine();
  return {
    name,
    report: nextLine().then((line) => JSON.parse(line) as ReaderReport),
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

/** The page tells how far it is by its title. */
async function startPage(name: string, url: string, { page, topic, records }: ReaderTask): Promise<RunningReader> {
  const browser = await launchChromium();
  try {
    const tab = await browser.newPage();
    const failed = new Promise<never>((_, reject) => {
      tab.once("pageerror", (error) => reject(new Error(`${name}: ${error.message}`)));
    });
    failed.catch(() => undefined);
    await tab.goto(`${page.origin}/#${[url, topic, records].join(",")}`);
    await Promise.race([failed, tab.waitForFunction(() => document.title === "subscribed")]);
    const report = tab
      .waitForFunction(() => document.title.startsWith("{"), undefined, { timeout: REPORT_TIMEOUT_MS })
      .then(async () => JSON.parse(await tab.title()) as ReaderReport);
    return { name, report: Promise.race([failed, report]), stop: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
