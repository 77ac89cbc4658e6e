/** The effective configuration as `ringcast config` prints it: every value with where it comes from, secrets masked. */
import type { LoadedConfig } from "./load.js";
import { SETTING_KEYS, settingOf, type SettingKey } from "./schema.js";
import type { SourceKind } from "./sources.js";

export interface EffectiveSetting {
  readonly key: SettingKey;
  /** JSON value; a secret that is set is `"********"`. */
  readonly value: unknown;
  readonly source: SourceKind;
  /** Name as the user wrote it, e.g. `--port`; `default` where nobody did. */
  readonly from: string;
}

const MASK = "********";

/** One row per setting, in the order of the schema. */
export function effectiveConfig(loaded: LoadedConfig): readonly EffectiveSetting[] {
  return SETTING_KEYS.map((key) => {
    const given = loaded.given.get(key);
    return { key, value: printable(loaded, key), source: given?.from ?? "default", from: given?.name ?? "default" };
  });
}

function printable(loaded: LoadedConfig, key: SettingKey): unknown {
  if (key === "topics") return loaded.config.topics.map(({ config, ...rule }) => ({ ...rule, ...config }));
  const value = loaded.config[key];
  return settingOf(key).secret === true && value !== "" ? MASK : value;
}
