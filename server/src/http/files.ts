/** Serves the pages and the SDK's single file from memory, with revalidation. */
import type { Answer } from "./answer.js";
import type { Call, StaticFile } from "./port.js";
import type { Route } from "./router.js";

/** Nothing inline, nothing from elsewhere: text of messages that are shown can't become a program. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

export function fileRoutes(files: ReadonlyMap<string, StaticFile>): readonly Route[] {
  return [...files].map(([path, file]) => ({ method: "GET", path, open: true, handle: (call) => serve(file, call) }));
}

function serve(file: StaticFile, { exchange }: Call): Answer {
  const headers = {
    "Content-Type": file.contentType,
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    // Asked again each time, so that a page and its script always belong together.
    "Cache-Control": "no-cache",
    ETag: file.etag,
  };
  const known = exchange
    .header("if-none-match")
    ?.split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""));
  if (known?.includes(file.etag) === true) return { status: 304, headers };
  return { status: 200, headers, body: file.body };
}
