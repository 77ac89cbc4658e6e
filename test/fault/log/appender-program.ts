import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const CACHE = join(import.meta.dirname, "../../../.cache");

/** The appender as one program that Node can start quickly; removed at the end of its scope. */
export async function appenderProgram(): Promise<Disposable & { readonly path: string }> {
  const path = join(CACHE, `appender-${randomUUID()}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, "appender.ts")],
    outfile: path,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["source"],
    external: ["koffi", "lmdb"],
    logLevel: "error",
  });
  return { path, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
