/**
 * The blocks of docs/sdk.md: all compile; those for Node run in one process against one hub, in the order of the page,
 * those for pages run in Chromium.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@ringcast/client";
import { transformSync } from "esbuild";
import type { Browser, Page } from "playwright-core";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { describeInBrowser, launchChromium } from "../support/chromium.js";
import { startHub, type TestHub } from "../support/hub.js";
import { until } from "../support/until.js";
import { serveProgram, type WebPage } from "../support/web-page.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const PAGE = readFileSync(join(ROOT, "docs/sdk.md"), "utf8");
/** Beside the packages that were built for the tests, so that imports find them. */
const folder = join(dirname(inject("launcher")), "../../..", "sdk-document");

/** Blocks by what stands behind their fence, with the heading above. */
const all = [...PAGE.matchAll(/^## ([^\n]+)\n|^```(tsx?(?: [a-z-]+)?)\n(.*?)^```/gms)].reduce<Block[]>(
  (blocks, [, title, mark, code = ""]) =>
    mark === undefined
      ? [...blocks, { title: title ?? "", mark: "", code }]
      : [...blocks, { title: blocks.at(-1)?.title ?? "", mark, code }],
  [],
);
const setup = all.find(({ mark }) => mark === "ts setup")?.code ?? "";
const blocks = all.filter(({ mark }) => mark === "ts").map((block) => ({ ...block, code: standalone(block.code) }));

interface Block {
  readonly title: string;
  readonly mark: string;
  readonly code: string;
}

describe("docs/sdk.md", () => {
  it("has an example for each task", () => {
    expect(blocks.length).toBeGreaterThanOrEqual(15);
    const titles = all.filter(({ mark }) => mark === "").map(({ title }) => title);
    expect(titles.filter((title) => !all.some((block) => block.title === title && block.mark !== ""))).toEqual([
      "A page without a bundler",
      "Size and dialect",
    ]);
  });

  it("compiles, strictly", () => {
    const programs = all.filter(({ mark }) => mark !== "" && mark !== "ts setup");
    expect(programs.length).toBeGreaterThan(blocks.length);
    const files = new Map(
      programs.map(({ mark, code }, n) => {
        const extension = mark.startsWith("tsx") ? "tsx" : "ts";
        const text = mark === "ts no-run" ? `import { connect } from "@ringcast/client";\n${code}` : standalone(code);
        return [join(ROOT, "test", `sdk-document-${n}.${extension}`), text];
      }),
    );
    expect(diagnose(files)).toEqual([]);
  }, 30_000);

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

describeInBrowser("docs/sdk.md in a page", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  /** Serves a block with the address of its hub. The program lies where it finds the sources of the SDK. */
  const serve = async (hub: TestHub, mark: string, code: string): Promise<WebPage> => {
    const place = mkdtempSync(join(ROOT, ".cache", "sdk-document-"));
    const path = join(place, mark.startsWith("tsx") ? "page.tsx" : "page.ts");
    writeFileSync(path, code.replaceAll("127.0.0.1:7447", `127.0.0.1:${hub.port}`));
    try {
      return await serveProgram(path);
    } finally {
      rmSync(place, { recursive: true });
    }
  };
  const codeOf = (mark: string): string => {
    const found = all.filter((block) => block.mark === mark);
    expect(found).toHaveLength(1);
    return found[0]?.code ?? "";
  };

  it("renders the component for React", async () => {
    await using hub = await startHub({ args: ["--allowed-origins", "*"] });
    await using publisher = connect(hub.wsUrl);
    await publisher.publish("orders", { item: "pear" });
    await publisher.publish("price", 3);
    const mount = `
      import { createRoot } from "react-dom/client";
      createRoot(document.getElementById("root") as HTMLElement).render(<Orders />);`;
    await using site = await serve(hub, "tsx", `/** @jsxRuntime automatic */\n${codeOf("tsx")}${mount}`);
    const page = await browser.newPage();
    await page.goto(site.origin);
    await untilText(page, "3 €pear");
    await publisher.publish("orders", { item: "plum" });
    await untilText(page, "3 €pearplum");
    await page.close();
  });

  it("keeps what a page publishes, and reads on behind what the last one read", async () => {
    await using hub = await startHub({ args: ["--allowed-origins", "*"] });
    await using publisher = connect(hub.wsUrl);
    await using site = await serve(hub, "ts browser", codeOf("ts browser"));
    const page = await browser.newPage();
    const printed: string[] = [];
    page.on("console", (line) => printed.push(line.text()));
    await publisher.publish("prices", "first");
    await page.goto(site.origin);
    await until("the first price is printed", () => printed.includes("first"));
    await publisher.publish("prices", "second");
    await until("the second price is printed", () => printed.includes("second"));
    await page.reload();
    await publisher.publish("prices", "third");
    await until("the third price is printed", () => printed.includes("third"));
    // The message that was in progress when the page went may come again, none before it.
    expect(printed.filter((text) => text === "first")).toHaveLength(1);
    await until("both pages have published", async () => (await publisher.history("orders")).messages.length === 2);
    await page.close();
  });
});

function standalone(code: string): string {
  return code.includes("import { connect") ? code : setup + code;
}

async function untilText(page: Page, text: string): Promise<void> {
  await until(`the page says ${text}`, async () => (await page.textContent("#root")) === text);
}

/** What the compiler says of programs that need not be on the disk. */
function diagnose(files: ReadonlyMap<string, string>): string[] {
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...(
        ts.readConfigFile(join(ROOT, "tsconfig.base.json"), (path) => ts.sys.readFile(path)).config as {
          compilerOptions: object;
        }
      ).compilerOptions,
      lib: ["ES2023", "ESNext.Disposable", "DOM", "DOM.AsyncIterable"],
      jsx: "react-jsx",
      noEmit: true,
      noUnusedLocals: false,
    },
    ROOT,
  );
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    getSourceFile: (name, ...rest) => {
      const text = files.get(name);
      return text === undefined ? disk.getSourceFile(name, ...rest) : ts.createSourceFile(name, text, rest[0]);
    },
    fileExists: (name) => files.has(name) || disk.fileExists(name),
    readFile: (name) => files.get(name) ?? disk.readFile(name),
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap((name) => {
    const source = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText, start = 0 }) =>
        `${files.get(name)?.slice(start, start + 60)}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
    );
  });
}
