/** One exchange with a hub over HTTP. Not by `fetch`: that takes as long to load as Node takes to start. */
import type { IncomingHttpHeaders } from "node:http";

export interface HttpRequest {
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** False: any certificate will do. */
  readonly verify?: boolean;
  /** Ends the connection behind the answer, instead of keeping it for the next. */
  readonly isOnly?: boolean;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * Sends a request and waits for the whole answer. Redirections are not followed: a hub sends none.
 *
 * @param url `http:` or `https:`
 * @throws Error of the connection, where there is none or it breaks
 */
export async function exchange(url: string, options: HttpRequest = {}): Promise<HttpAnswer> {
  const { method = "GET", headers = {}, body, verify = true, isOnly = false, signal } = options;
  const { request } = await (url.startsWith("https:") ? import("node:https") : import("node:http"));
  return new Promise((resolve, reject) => {
    const settings = { method, headers, rejectUnauthorized: verify, signal, ...(isOnly ? { agent: false } : {}) };
    const asking = request(url, settings, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      answer.on("error", reject);
    });
    asking.on("error", reject);
    // The length is known then: without it the body would be chunked.
    asking.end(body);
  });
}
