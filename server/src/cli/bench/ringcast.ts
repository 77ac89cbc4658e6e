/** Ringcast as a target of the load generator. */
import type { Target } from "./plan.js";

export const RINGCAST_DIALECTS = ["msgpack", "json"] as const;
export type RingcastDialect = (typeof RINGCAST_DIALECTS)[number];

/** What the wires of Ringcast are given. */
export interface RingcastWireOptions {
  readonly token?: string;
}

export interface RingcastAddress extends Pick<Target, "host" | "port" | "tls" | "verify"> {
  readonly dialect: RingcastDialect;
  readonly token?: string | undefined;
}

export function ringcastTarget({ dialect, token, ...address }: RingcastAddress): Target {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const wireOptions: RingcastWireOptions = token === undefined ? {} : { token };
  return { ...address, wire: new URL(`./wires/ringcast-${dialect}.${extension}`, import.meta.url).href, wireOptions };
}
