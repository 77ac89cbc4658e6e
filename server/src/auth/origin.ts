/**
 * Which pages may talk to the hub. Any page on the web can reach a port on 127.0.0.1, and a name that its owner points there
 * (DNS rebinding) makes the hub look like that page's own server: so `Origin` and `Host` are judged before anything else.
 * Pure functions over the headers.
 *
 * @see docs/protocol.md, "Connection"
 */

/** What the judgement depends on. */
export interface OriginPolicy {
  /** Address that the hub is bound to. */
  readonly host: string;
  /** Port it listens on. */
  readonly port: number;
  /** Origins beside the hub's own, e.g. `https://app.example`; `*` allows every page. */
  readonly allowedOrigins: readonly string[];
  /** Host names beside the loopback ones, with or without port, e.g. `hub.example` or `localhost:8080`. */
  readonly allowedHosts: readonly string[];
}

/** The sentence for whoever was refused, or undefined: go on. */
export type Refusal = string | undefined;

/**
 * Judges the two headers of a request or handshake.
 *
 * @param origin undefined: not a browser, or a page of the hub itself
 * @param host   undefined: HTTP/1.0, or a broken request; refused on a loopback address
 */
export function judgeOrigin(policy: OriginPolicy, origin: string | undefined, host: string | undefined): Refusal {
  if (!isHostAllowed(policy, host)) {
    return `This Host is not served here (DNS rebinding?): use a loopback name with port ${policy.port}, or list it under allowedHosts.`;
  }
  if (origin !== undefined && !isOwnOrigin(policy, origin, host) && !isListedOrigin(policy, origin)) {
    return "Pages of this Origin may not talk to this hub: list it under allowedOrigins.";
  }
  return undefined;
}

/** Whether an origin is on the configured list, so that it gets CORS headers. */
export function isListedOrigin(policy: OriginPolicy, origin: string): boolean {
  return policy.allowedOrigins.includes("*") || policy.allowedOrigins.includes(origin.toLowerCase());
}

/** Whether an address, or the name `localhost`, is reachable from this machine only. */
export function isLoopbackAddress(address: string): boolean {
  const bare = address.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return bare === "localhost" || bare === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(bare);
}

/** The Host that was let through last: nearly every request names the same one, and to judge it takes a microsecond. */
const letThrough = new WeakMap<OriginPolicy, string>();

function isHostAllowed(policy: OriginPolicy, host: string | undefined): boolean {
  if (host !== undefined && letThrough.get(policy) === host) return true;
  const isAllowed = !isLoopbackAddress(policy.host) || isNameAllowed(policy, host);
  if (isAllowed && host !== undefined) letThrough.set(policy, host);
  return isAllowed;
}

function isNameAllowed(policy: OriginPolicy, host: string | undefined): boolean {
  const parsed = parseHost(host);
  if (parsed === undefined) return false;
  const portFits = parsed.port === undefined || parsed.port === policy.port;
  if (portFits && isLoopbackAddress(parsed.name)) return true;
  const full = parsed.port === undefined ? parsed.name : `${parsed.name}:${parsed.port}`;
  return policy.allowedHosts.includes(parsed.name) || policy.allowedHosts.includes(full);
}

/** The page came from the hub itself: same host and port as the request, whether or not a proxy in front speaks TLS. */
function isOwnOrigin(policy: OriginPolicy, origin: string, host: string | undefined): boolean {
  const match = /^https?:\/\/([^/?#@\s]+)$/i.exec(origin);
  const authority = match?.[1]?.toLowerCase();
  if (authority === undefined || host === undefined) return false;
  if (authority === host.toLowerCase()) return true;
  const parsed = parseHost(authority);
  return isLoopbackAddress(policy.host) && parsed?.port === policy.port && isLoopbackAddress(parsed.name);
}

function parseHost(host: string | undefined): { name: string; port: number | undefined } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::(\d{1,5}))?$/i.exec(host ?? "");
  if (match?.[1] === undefined) return undefined;
  return { name: match[1].toLowerCase(), port: match[2] === undefined ? undefined : Number(match[2]) };
}
