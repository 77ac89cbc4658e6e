/**
 * What both adapters need to write the head of an answer.
 */

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

const LINES: ReadonlyMap<number, string> = new Map(
  Object.entries(REASONS).map(([status, reason]) => [Number(status), `${status} ${reason}`]),
);

/** `404 Not Found`. */
export function statusLine(status: number): string {
  return LINES.get(status) ?? `${status} Unknown`;
}

/** A header value that can't end its line: what is neither visible ASCII, space nor tab becomes `?`. */
export function safeHeaderValue(value: string): string {
  return value.replace(/[^\t\x20-\x7e]/g, "?");
}

/** Whether an answer of this status never has a body, not even an empty one. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

/** A whole answer as text, after which the connection is closed; for sockets where no HTTP library answers any more. */
export function rawAnswer(status: number, headers: Readonly<Record<string, string>>, body: string): string {
  const lines = [`HTTP/1.1 ${statusLine(status)}`, "Connection: close", `Content-Length: ${Buffer.byteLength(body)}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${safeHeaderValue(value)}`);
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
