/** The three packages as `npm publish` would send them, installed together into an empty folder. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, afterAll, describe, expect, test } from "vitest";
import { buildAll } from "../../build.mjs";
import { tempDir, type TempDir } from "../support/temp-dir.js";
import { within } from "../support/until.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const FOLDERS = ["protocol", "client-sdk", "server"];
const PROGRAM = `
import { connect } from "@ringcast/client";
interface Topics { greetings: { hello: string } }
await using hub = connect<Topics>(process.argv[2] as string);
const stored = await hub.publish("greetings", { hello: "world" });
for await (const message of hub.subscribe("greetings", { from: "earliest" })) {
  const text: string = message.data.hello;
  console.log(JSON.stringify({ text, offset: message.offset, published: stored.offset }));
  break;
}
`;

let folder: TempDir;

describe("the published packages", () => {
  beforeAll(async () => {
    folder = tempDir("ringcast-packed-");
    await buildAll();
    const tarballs = FOLDERS.map((each) => pack(join(ROOT, each)));
    writeFileSync(join(folder.path, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
    npm(["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs], folder.path);
  }, 180_000);

  afterAll(() => {
    folder[Symbol.dispose]();
  });

  test("hold what they need and nothing else", () => {
    for (const each of FOLDERS) {
      const files = packedFiles(join(ROOT, each));
      expect(files).toContain("LICENSE");
      expect(files).toContain("README.md");
      expect(files.filter((file) => !/^(dist|src|bin)\/|^(LICENSE|README\.md|package\.json)$/.test(file))).toEqual([]);
      expect(files.filter((file) => file.includes("tsbuildinfo"))).toEqual([]);
    }
    expect(packedFiles(join(ROOT, "server"))).toContain("dist/assets/sdk/ringcast.js");
  });

  test("serve, publish and subscribe from an empty folder, with types", async () => {
    mkdirSync(join(folder.path, "program"), { recursive: true });
    writeFileSync(join(folder.path, "program/main.ts"), PROGRAM);
    compile(folder.path);
    const hub = spawn(join(folder.path, "node_modules/.bin/ringcast"), ["serve", "--port", "0"], { cwd: folder.path });
    try {
      const url = await within(
        "the installed hub to be ready",
        new Promise<string>((resolve) => {
          hub.stdout.setEncoding("utf8").on("data", (text: string) => {
            const match = /http:\/\/[\d.]+:\d+/.exec(text);
            if (match !== null) resolve(match[0].replace("http", "ws"));
          });
        }),
        20_000,
      );
      const output = execFileSync(process.execPath, ["program/main.js", url], { cwd: folder.path, encoding: "utf8" });
      expect(JSON.parse(output)).toEqual({ text: "world", offset: 0, published: 0 });
    } finally {
      const ended = new Promise((resolve) => hub.once("exit", resolve));
      hub.kill("SIGTERM");
      await ended;
    }
  });
});

function pack(source: string): string {
  const name = npm(["pack", "--ignore-scripts", "--silent", "--pack-destination", folder.path], source).trim();
  return join(folder.path, name);
}

function packedFiles(source: string): string[] {
  const report = JSON.parse(npm(["pack", "--ignore-scripts", "--dry-run", "--json"], source)) as unknown;
  // npm 10 and 11 print a list, later ones an object by package name.
  const entry = (Array.isArray(report) ? report[0] : Object.values(report as object)[0]) as {
    files: { path: string }[];
  };
  return entry.files.map((file) => file.path);
}

function npm(args: readonly string[], cwd: string): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Compiles the program against the installed types alone. */
function compile(cwd: string): void {
  const options = {
    compilerOptions: {
      target: "ES2022",
      module: "NodeNext",
      strict: true,
      lib: ["ES2023", "ESNext.Disposable", "DOM"],
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
    },
    include: ["program"],
  };
  writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify(options));
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [compiler, "-p", cwd], { encoding: "utf8" });
  } catch (error) {
    throw new Error(`The program does not compile:\n${(error as { stdout: string }).stdout}`, { cause: error });
  }
  expect(readFileSync(join(cwd, "program/main.js"), "utf8")).toContain("hub.publish");
}
