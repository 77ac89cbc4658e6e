/** How commands reach a hub: over the SDK, and over HTTP for what the SDK doesn't have. */
import type { ConnectOptions, Hub } from "@ringcast/client";
import { isErrorCode, RingcastError, shown, type ErrorBody } from "@ringcast/protocol";
import { exchange } from "./http-exchange.js";
import { UsageError, type Arguments, type OptionSpecs } from "./usage.js";

const DEFAULT_URL = "http://127.0.0.1:7447";

/** Options of every command that talks to a hub. */
export const HUB_OPTIONS: OptionSpecs = {
  url: {
    type: "string",
    placeholder: "<url>",
    description: `Address of the hub (RINGCAST_URL; default ${DEFAULT_URL})`,
  },
  token: {
    type: "string",
    placeholder: "<secret>",
    description: "Token of the hub; better in the variable RINGCAST_TOKEN,\nwhich other users of the machine can't see",
  },
  help: { type: "boolean", short: "h", description: "Shows this text" },
};

/** Address and token of the hub that a command is meant for. */
export interface HubAddress {
  /** `http:` or `https:`, without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
}

/**
 * Finds out which hub is meant.
 * @throws UsageError where the address is none
 */
export function readHubAddress(args: Arguments): HubAddress {
  const text = args.text("url") ?? (process.env["RINGCAST_URL"] || DEFAULT_URL);
  const token = args.text("token") ?? process.env["RINGCAST_TOKEN"];
  const url = URL.canParse(text) ? new URL(text.replace(/^ws/, "http")) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${shown(text)} is no address of a hub: use one like ${DEFAULT_URL}.`);
  }
  return { url: url.href.replace(/\/(v1\/ws)?$/, ""), token: token === "" ? undefined : token };
}

/**
 * Connects over the SDK. It reconnects by itself later; but where no hub answers the first time, that is said at once.
 *
 * @throws RingcastError `unavailable` when no hub is there, `unauthorized` when it doesn't know the token
 */
export async function openHub(
  address: HubAddress,
  options: Pick<ConnectOptions, "codec"> = {},
): Promise<Hub<Record<string, unknown>>> {
  const { url, token } = address;
  await request(address, "GET", "/healthz");
  const { connect } = await import("@ringcast/client");
  const hub = connect(url, {
    ...(token === undefined ? {} : { token }),
    ...options,
  });
  await hub.connected();
  return hub;
}

/**
 * Asks the hub over HTTP.
 *
 * @returns the parsed body; undefined where there is none
 * @throws RingcastError what the hub refuses with; `unavailable` when no hub answers
 */
export async function request(
  address: HubAddress,
  method: string,
  path: string,
  body?: unknown,
  condition: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const headers = { ...condition, ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  const answer = await send(address, method, path, {
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.isJson ? JSON.parse(answer.text) : undefined;
}

/** The same with a body of any kind, and the answer's body as it came. */
export async function send(
  address: HubAddress,
  method: string,
  path: string,
  content: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array<ArrayBuffer>;
  } = {},
): Promise<{ readonly text: string; readonly isJson: boolean }> {
  const headers: Record<string, string> = { ...content.headers };
  if (address.token !== undefined) headers["Authorization"] = `Bearer ${address.token}`;
  const options = { method, headers, ...(content.body === undefined ? {} : { body: content.body }) };
  const answer = await exchange(address.url + path, options).catch((cause: unknown) => {
    const message = `No hub answers at ${address.url}: start one with "ringcast serve", or name another with --url.`;
    throw new RingcastError("unavailable", message, {}, { cause });
  });
  const { status, text } = answer;
  const isGood = status >= 200 && status < 300;
  if (isGood) return { text, isJson: answer.headers["content-type"]?.includes("json") === true };
  throw toError(text, status, address);
}

function toError(text: string, status: number, { url }: HubAddress): RingcastError {
  try {
    const { code, message, details } = JSON.parse(text) as ErrorBody;
    if (isErrorCode(code)) return new RingcastError(code, message, details);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new RingcastError("internal", `${url} answered ${status}, and not as a hub does.`);
}
