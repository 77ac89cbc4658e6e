/** The three packages as `npm publish` would send them, installed together into an empty folder. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, afterAll, describe, expect, test } from "vitest";
import { updateAll } from "../../build.mjs";
import { tempDir, type TempDir } from "../support/temp-dir.js";
import { within } from "../support/until.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** The packages, and what each ships beside its programs and what every package has. */
const PACKAGES = new Map([
  ["@ringcast/protocol", ["vectors.json"]],
  ["@ringcast/client", []],
  ["ringcast", []],
]);
/** To compile, pack and install, and to remove it again, on a busy machine. */
const INSTALL_TIMEOUT_MS = 240_000;
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

/** What `npm pack --json` tells of a package. */
interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

let folder: TempDir;
let packed: readonly Packed[];

describe("the published packages", () => {
  beforeAll(async () => {
    folder = tempDir("ringcast-packed-");
    // Not from nothing: the type check before the tests has done most of it, and others may be running what is there.
    await updateAll();
    packed = pack();
    const tarballs = packed.map(({ filename }) => join(folder.path, filename));
    writeFileSync(join(folder.path, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
    npm(["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs], folder.path);
  }, INSTALL_TIMEOUT_MS);

  afterAll(() => {
    folder[Symbol.dispose]();
  }, INSTALL_TIMEOUT_MS);

  test("hold what they need and nothing else", () => {
    for (const [name, more] of PACKAGES) {
      const files = filesOf(name);
      expect(files).toContain("LICENSE");
      expect(files).toContain("README.md");
      const others = files.filter((file) => !/^(dist|src|bin)\/|^(LICENSE|README\.md|package\.json)$/.test(file));
      expect(others).toEqual(more);
      expect(files.filter((file) => file.includes("tsbuildinfo"))).toEqual([]);
    }
    expect(filesOf("ringcast")).toContain("dist/assets/sdk/ringcast.js");
  });

  test("serve, publish and subscribe from an empty folder, with types", { timeout: 120_000 }, async () => {
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

/** All three at once: npm takes a second to start. */
function pack(): Packed[] {
  const workspaces = [...PACKAGES.keys()].flatMap((name) => ["--workspace", name]);
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder.path, ...workspaces];
  const report = JSON.parse(npm(args, ROOT)) as Packed[] | Record<string, Packed>;
  // npm 10 and 11 print a list, later ones an object by package name.
  return Object.values(report);
}

function filesOf(name: string): string[] {
  return packed.find((each) => each.name === name)?.files.map(({ path }) => path) ?? [];
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
      // Ours are checked; those of the language itself cost seconds.
      skipDefaultLibCheck: true,
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
