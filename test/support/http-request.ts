/** HTTP requests with every header as the test wants it (fetch keeps Host and others to itself). */
import { request as send, type Agent } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** The body as parsed JSON; any field of it, since a test looks at the ones it expects. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface HttpAsk {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  /** Whose connections it may use; one of its own when left out. */
  readonly agent?: Agent;
}

/** Sends one request. `path` goes out as it is, escapes and all. */
export function ask(hub: { readonly port: number }, path: string, options: HttpAsk = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { method = "GET", headers = {}, body, agent = false } = options;
    const request = send({ host: "127.0.0.1", port: hub.port, path, method, headers, agent }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(pieces).toString("utf8");
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string | undefined>,
          text,
          get json() {
            return JSON.parse(text) as HttpAnswer["json"];
          },
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Sends a JSON body; a string goes out as it is. */
export function askJson(
  hub: { readonly port: number },
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return ask(hub, path, { method, headers: { "Content-Type": "application/json", ...headers }, body: text });
}
