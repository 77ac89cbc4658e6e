/** What a SIGHUP changes: reads the same sources again, and takes over what may change while the hub runs. */
import { isDeepStrictEqual } from "node:util";
import { checkTogether } from "./checks.js";
import { loadConfig, type LoadedConfig } from "./load.js";
import { SETTING_KEYS, settingOf, type Config, type SettingKey } from "./schema.js";
import type { GivenValue } from "./sources.js";

/** A configuration read again. */
export interface ReloadedConfig {
  /** What holds from now on: settings that need a restart keep their value. */
  readonly loaded: LoadedConfig;
  /** Settings with a new value that holds now. `tokenFile` stands for what is in it, too. */
  readonly changed: readonly SettingKey[];
  /** Settings with a new value that needs a restart. */
  readonly waiting: readonly SettingKey[];
}

/**
 * Reads the sources of a configuration again.
 *
 * @param current what holds now
 * @throws ConfigError for the first thing that is wrong; then nothing is to be changed
 */
export function reloadConfig(current: LoadedConfig): ReloadedConfig {
  const next = loadConfig(current.input);
  const differing = SETTING_KEYS.filter((key) => !isDeepStrictEqual(next.config[key], current.config[key]));
  const isWaiting = (key: SettingKey): boolean => settingOf(key).reloads !== true || isSwitching(key, current, next);
  const waiting = differing.filter(isWaiting);
  const beginsOrEndsTokens = next.tokens.length > 0 !== current.tokens.length > 0;
  const loaded: LoadedConfig = {
    ...next,
    config: keep(next.config, current.config, waiting),
    given: new Map(givenOf(current, next, waiting)),
    tokens: beginsOrEndsTokens ? current.tokens : next.tokens,
    loopback: current.loopback,
  };
  // The rules between settings must hold for what results, not only for what was read: the address stays as it is.
  checkTogether(loaded.config, loaded.tokens, loaded.loopback, (key) => loaded.given.get(key)?.name ?? key);
  const changed = differing.filter((key) => !waiting.includes(key));
  const isFileAlone = !changed.includes("tokenFile") && !changed.includes("token");
  const areTokensNew = !isDeepStrictEqual(loaded.tokens, current.tokens);
  return { loaded, changed: areTokensNew && isFileAlone ? [...changed, "tokenFile"] : changed, waiting };
}

/** To begin or to end asking for tokens, or speaking TLS, is another hub to its clients: that needs a restart. */
function isSwitching(key: SettingKey, current: LoadedConfig, next: LoadedConfig): boolean {
  if (key === "tlsCert" || key === "tlsKey") return (current.config[key] === "") !== (next.config[key] === "");
  if (key === "token" || key === "tokenFile") return current.tokens.length > 0 !== next.tokens.length > 0;
  return false;
}

function keep(next: Config, current: Config, keys: readonly SettingKey[]): Config {
  return { ...next, ...Object.fromEntries(keys.map((key) => [key, current[key]])) };
}

function givenOf(current: LoadedConfig, next: LoadedConfig, kept: readonly SettingKey[]): [SettingKey, GivenValue][] {
  return SETTING_KEYS.flatMap((key): [SettingKey, GivenValue][] => {
    const given = (kept.includes(key) ? current : next).given.get(key);
    return given === undefined ? [] : [[key, given]];
  });
}
