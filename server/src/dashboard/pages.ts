/**
 * The pages' files, read once from the built assets and kept in memory.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file that is served as it is. */
export interface PageFile {
  readonly contentType: string;
  readonly body: Uint8Array;
  /** With its quotes, as it stands in the header. */
  readonly etag: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};
/** Files that only the demo's page needs. */
const DEMO_FILES = ["demo.css", "demo.js", "demo/world-110m.json"];

/**
 * The folder with the built pages: beside the built hub, or in the package's `dist` when the hub runs from its sources.
 * @throws Error when there has been no build
 */
export function findAssets(): string {
  const candidates = ["../assets/", "./assets/", "../../dist/assets/"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(join(path, "index.html")));
  if (found === undefined)
    throw new Error(`The hub's pages are not built: run "npm run build" (looked in ${candidates[0]}).`);
  return found;
}

/**
 * Reads the pages, what they load, and the SDK's single file for pages of others.
 *
 * @param options.demo with the demo's page
 * @returns files by path: `/`, `/sdk/ringcast.js`, `/demo`, `/assets/…`
 */
export function loadPages(options: { demo: boolean; assets: string }): ReadonlyMap<string, PageFile> {
  const pages = new Map<string, PageFile>();
  const add = (path: string, file: string) => pages.set(path, readPage(join(options.assets, file)));
  add("/", "index.html");
  add("/sdk/ringcast.js", "sdk/ringcast.js");
  add("/sdk/ringcast-json.js", "sdk/ringcast-json.js");
  if (options.demo) {
    add("/demo", "demo.html");
    for (const file of DEMO_FILES) add(`/assets/${file}`, file);
  }
  for (const file of readdirSync(options.assets)) {
    if (extname(file) in CONTENT_TYPES && extname(file) !== ".html" && !DEMO_FILES.includes(file)) {
      add(`/assets/${file}`, file);
    }
  }
  return pages;
}

function readPage(file: string): PageFile {
  const body = readFileSync(file);
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return { contentType: CONTENT_TYPES[extname(file)] ?? "application/octet-stream", body, etag: `"${digest}"` };
}
