/**
 * Builds what ships: the three packages' dist folders, the SDK as a single file for `<script type="module">`, and the pages
 * that the hub serves. `node build.mjs` type-checks too (tsc); `buildForTests` transpiles the same layout without types into a folder of its own, so that
 * tests which start a hub process always run the sources as they stand.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build as bundle } from "esbuild";

const ROOT = dirname(fileURLToPath(import.meta.url));
const PACKAGES = [
  { folder: "protocol", name: "@ringcast/protocol" },
  { folder: "client-sdk", name: "@ringcast/client" },
  { folder: "server", name: "ringcast" },
];
const PAGES = join(ROOT, "server/src/dashboard/page");

/** Makes every dist folder from the sources. */
export async function buildAll() {
  for (const { folder } of PACKAGES) rmSync(join(ROOT, folder, "dist"), { recursive: true, force: true });
  await updateAll();
}

/** Brings every dist folder up to date with the sources. What came of sources that are gone stays. */
export async function updateAll() {
  execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-b", ROOT], { stdio: "inherit" });
  await bundleSdk(join(ROOT, "client-sdk/dist"));
  await buildAssets(join(ROOT, "server/dist/assets"));
}

/**
 * Makes `<folder>/node_modules/{@ringcast/protocol,@ringcast/client,ringcast}` as an installation would have them.
 *
 * @returns path of the launcher
 */
export async function buildForTests(folder) {
  for (const { folder: source, name } of PACKAGES) {
    const target = join(folder, "node_modules", name);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    cpSync(join(ROOT, source, "package.json"), join(target, "package.json"));
    if (source === "server") continue;
    await bundle({
      entryPoints: sourcesIn(join(ROOT, source, "src")),
      outdir: join(target, "dist"),
      outbase: join(ROOT, source, "src"),
      bundle: false,
      format: "esm",
      target: "es2022",
      sourcemap: "linked",
      logLevel: "error",
    });
  }
  const server = join(folder, "node_modules/ringcast");
  cpSync(join(ROOT, "server/bin"), join(server, "bin"), { recursive: true });
  await bundleServer(join(server, "dist"));
  await buildAssets(join(server, "dist/assets"));
  return join(server, "bin/ringcast.js");
}

/**
 * Bundles the hub and the libraries that hold no native code: a hub of several hundred files takes twice as long to start,
 * and the tests start hundreds of them. What ships is not bundled; test/release/packages.test.ts runs that.
 */
async function bundleServer(folder) {
  const source = join(ROOT, "server/src");
  await bundle({
    entryPoints: {
      main: join(source, "main.ts"),
      "cli/index": join(source, "cli/index.ts"),
      // What `ringcast bench` loads by its place: beside the shared pieces, which stand at the top.
      thread: join(source, "cli/bench/thread.ts"),
      "wires/ringcast-json": join(source, "cli/bench/wires/ringcast-json.ts"),
      "wires/ringcast-msgpack": join(source, "cli/bench/wires/ringcast-msgpack.ts"),
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["source"],
    external: ["koffi", "lmdb", "uWebSockets.js"],
    // What CommonJS modules of libraries call.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    sourcemap: "linked",
    logLevel: "error",
  });
}

/** Bundles the SDK for browsers into one ESM file for each dialect: `ringcast.js` (binary) and `ringcast-json.js`. */
export async function bundleSdk(folder) {
  const source = join(ROOT, "client-sdk/src");
  const entryPoints = { ringcast: join(source, "browser.ts"), "ringcast-json": join(source, "json/browser.ts") };
  await bundle({ ...BROWSER, entryPoints, outdir: folder });
}

async function buildAssets(folder) {
  mkdirSync(join(folder, "demo"), { recursive: true });
  await bundleSdk(join(folder, "sdk"));
  const scripts = readdirSync(PAGES).filter((name) => /^(index|demo)\.ts$/.test(name));
  await bundle({ ...BROWSER, entryPoints: scripts.map((name) => join(PAGES, name)), outdir: folder });
  for (const name of readdirSync(PAGES)) {
    if (/\.(html|css|svg|ico|png)$/.test(name)) cpSync(join(PAGES, name), join(folder, name));
  }
  // The package exports its program alone, which stands in a folder beside the data.
  const datasets = dirname(dirname(createRequire(import.meta.url).resolve("vega-datasets")));
  for (const name of ["earthquakes.json", "world-110m.json"]) {
    cpSync(join(datasets, "data", name), join(folder, "demo", name));
  }
}

const BROWSER = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  conditions: ["source", "browser"],
  logLevel: "error",
};

/** Every TypeScript file that becomes a module of its own; the pages are bundled instead. */
function sourcesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => relative(PAGES, path).startsWith(".."));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // An installed package comes built; only a checkout has sources and the tools to build them.
  if (existsSync(join(ROOT, "tsconfig.json"))) await buildAll();
}
