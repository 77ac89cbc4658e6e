/** What one setting alone can't tell: rules between settings, and what is safe to listen on. */
import { shown } from "@ringcast/protocol";
import { ConfigError } from "./config-error.js";
import { flagOf, type Config, type SettingKey } from "./schema.js";
import { isToken, type TokenEntry } from "./token-file.js";

/** Shorter tokens can be guessed over a network. */
const MIN_TOKEN_BYTES = 32;
const WELL_KNOWN_TOKENS = ["changeme", "secret", "password", "token"];

/** How the user wrote a setting, for complaints. */
export type NameOf = (key: SettingKey) => string;

/**
 * @param loopback whether `host` can be reached from this machine only
 * @throws ConfigError naming the setting to change
 */
export function checkTogether(config: Config, tokens: readonly TokenEntry[], loopback: boolean, nameOf: NameOf): void {
  if (config.token !== "" && !isToken(config.token)) {
    throw new ConfigError(`${nameOf("token")} must be visible ASCII characters without blanks.`, "token");
  }
  checkTls(config, nameOf);
  if (!loopback && !config.insecure) checkExposed(config, tokens, nameOf);
}

function checkTls({ tlsCert, tlsKey }: Config, nameOf: NameOf): void {
  if ((tlsCert === "") === (tlsKey === "")) return;
  const [given, missing] = tlsCert === "" ? (["tlsKey", "tlsCert"] as const) : (["tlsCert", "tlsKey"] as const);
  throw new ConfigError(
    `${nameOf(given)} needs ${flagOf(missing)} beside it: TLS takes a certificate and its key.`,
    missing,
  );
}

function checkExposed(config: Config, tokens: readonly TokenEntry[], nameOf: NameOf): void {
  if (tokens.length === 0) {
    throw new ConfigError(
      `${nameOf("host")} ${printable(config.host)} lets others reach the hub: set a token (RINGCAST_TOKEN or --token-file), or say --insecure if everybody may publish, read and delete.`,
      "host",
    );
  }
  const weak = tokens.find(({ token }) => token.length < MIN_TOKEN_BYTES || WELL_KNOWN_TOKENS.includes(token));
  if (weak === undefined) return;
  const key = weak.token === config.token ? "token" : "tokenFile";
  throw new ConfigError(
    `${nameOf(key)} is too weak for ${printable(config.host)}, which others can reach: take ${MIN_TOKEN_BYTES} random characters or more, e.g. from openssl rand -hex 32.`,
    key,
  );
}

/** A host as it was written, unless it isn't fit to be printed. */
function printable(host: string): string {
  return /^[\x21-\x7e]+$/.test(host) ? host : shown(host);
}

/** Sentences about what is legal and probably not meant. */
export function warningsAbout(config: Config, nameOf: NameOf): readonly string[] {
  if (config.pingIntervalMs < config.idleTimeoutMs) return [];
  return [
    `${nameOf("pingIntervalMs")} (${config.pingIntervalMs}) is not less than ${nameOf("idleTimeoutMs")} (${config.idleTimeoutMs}): quiet connections will be closed before they are asked.`,
  ];
}
