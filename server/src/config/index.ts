export { ConfigError } from "./config-error.js";
export { effectiveConfig } from "./effective.js";
export type { EffectiveSetting } from "./effective.js";
export { configurationPage, optionsHelp } from "./help.js";
export { loadConfig } from "./load.js";
export type { ConfigInput, LoadedConfig } from "./load.js";
export type { Config, SettingKey } from "./schema.js";
export type { TokenEntry } from "./token-file.js";
export type { TopicRule } from "./topic-rules.js";
