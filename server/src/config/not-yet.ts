/** Settings of the wire contract that this version refuses by name, so that nobody believes they work. */
import { ConfigError } from "./config-error.js";

const SINGLE_INSTANCE = "this version runs as a single instance and shares nothing through Redis";

/** Names without separators, in lower case. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ["redis", SINGLE_INSTANCE],
  ["redisurl", SINGLE_INSTANCE],
]);

/**
 * @param plain the name without its prefix, in any writing
 * @param name  the name as the user wrote it. The value is never shown: it may hold a password
 * @throws ConfigError
 */
export function refuseIfNotYet(plain: string, name: string): void {
  const reason = REFUSED.get(plain.toLowerCase().replace(/[-_]/g, ""));
  if (reason !== undefined) throw new ConfigError(`${name} can't be used: ${reason}. Leave it out.`, "redis");
}
