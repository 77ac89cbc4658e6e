/**
 * Prints what the SDK costs a page: what a user's bundler makes of `import { connect }` from each entry, minified and gzipped. `node client-sdk/size.mjs`
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Entries of the package with their sources for browsers, and the size that each stays under, bytes gzipped. */
export const ENTRIES = [
  { entry: "@ringcast/client", source: "./src/browser.ts", limit: 14_000 },
  { entry: "@ringcast/client/json", source: "./src/json/browser.ts", limit: 6_000 },
];

/**
 * @param {string} source one of {@link ENTRIES}
 * @returns {Promise<{ minified: number, gzipped: number, code: string }>} bytes
 */
export async function measureSdk(source) {
  const { outputFiles } = await build({
    stdin: { contents: `export { connect } from "${source}";`, resolveDir: dirname(fileURLToPath(import.meta.url)) },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["source", "browser"],
    write: false,
  });
  const code = outputFiles[0].text;
  return { minified: Buffer.byteLength(code), gzipped: gzipSync(code, { level: 9 }).length, code };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { entry, source, limit } of ENTRIES) {
    const { minified, gzipped } = await measureSdk(source);
    console.log(`${entry} for browsers: ${minified} bytes minified, ${gzipped} gzipped (limit ${limit})`);
  }
}
