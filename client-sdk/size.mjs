/** Prints what the SDK costs a page: the browser entry with all it uses, bundled, minified and gzipped. `node client-sdk/size.mjs` */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ENTRY = join(dirname(fileURLToPath(import.meta.url)), "src/browser.ts");

/** @returns {Promise<{ minified: number, gzipped: number, code: string }>} bytes */
export async function measureSdk() {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
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
  const { minified, gzipped } = await measureSdk();
  console.log(`@ringcast/client for browsers: ${minified} bytes minified, ${gzipped} gzipped`);
}
