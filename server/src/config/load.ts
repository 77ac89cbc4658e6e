/** Puts the sources together: flag over environment variable over file over default, each value judged by its setting. */
import { isIP } from "node:net";
import { resolve } from "node:path";
import { shown } from "@ringcast/protocol";
import { checkTogether, warningsAbout } from "./checks.js";
import { ConfigError } from "./config-error.js";
import { SETTING_KEYS, SETTINGS, settingOf, type Config, type SettingKey } from "./schema.js";
import { readEnvironment, readFile, readFlags, type GivenValue, type GivenValues } from "./sources.js";
import { DEFAULT_SUBJECT, readTokenFile, type TokenEntry } from "./token-file.js";

/** What {@link loadConfig} reads from. */
export interface ConfigInput {
  /** Arguments after the command's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that relative paths of flags and variables start from. */
  readonly cwd: string;
}

/** A valid configuration, and how it came about. */
export interface LoadedConfig {
  readonly config: Config;
  /** From `token` and the token file together. */
  readonly tokens: readonly TokenEntry[];
  /** Whether the hub's address can be reached from this machine only. */
  readonly loopback: boolean;
  /** Where each value comes from; a key that isn't here has its default. */
  readonly given: ReadonlyMap<SettingKey, GivenValue>;
  /** The file that was read. */
  readonly file: string | undefined;
  /** Sentences for the log. */
  readonly warnings: readonly string[];
  /** What it was read from, to be read again. */
  readonly input: ConfigInput;
}

/**
 * Reads and judges the whole configuration.
 *
 * @throws ConfigError for the first thing that is wrong; the process ends with exit code 2
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const warnings: string[] = [];
  const flags = readFlags(input.argv, input.cwd);
  const environment = readEnvironment(input.env, input.cwd, (sentence) => warnings.push(sentence));
  const named = flags.get("config") ?? environment.get("config");
  const path = resolve(input.cwd, named === undefined ? SETTINGS.config.default : pathOf(named));
  const file = readFile(path, { required: named !== undefined });
  const given: GivenValues = new Map([...(file ?? []), ...environment, ...flags]);
  // Also a value that another one overrides must be right: it waits to be the one that counts.
  for (const source of [file, environment]) for (const [key, value] of source ?? []) judge(key, value);
  const config = judgeAll(given);
  const nameOf = (key: SettingKey): string => given.get(key)?.name ?? key;
  const tokens = collectTokens(config, nameOf("tokenFile"));
  const loopback = isLoopbackHost(config.host);
  checkTogether(config, tokens, loopback, nameOf);
  warnings.push(...warningsAbout(config, nameOf));
  return { config, tokens, loopback, given, file: file === undefined ? undefined : path, warnings, input };
}

function pathOf({ value, name }: GivenValue): string {
  if (typeof value === "string" && value !== "") return value;
  throw new ConfigError(`${name} must name a file.`, "config");
}

/** The schema's type for each key is what {@link Config} says, so the one cast is at the end. */
function judgeAll(given: GivenValues): Config {
  const values = SETTING_KEYS.map((key) => [key, judge(key, given.get(key))] as const);
  return Object.fromEntries(values) as unknown as Config;
}

function judge(key: SettingKey, given: GivenValue | undefined): unknown {
  const setting = settingOf(key);
  if (given === undefined) return setting.default;
  const result = setting.schema.safeParse(given.value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path ?? [];
  const offending: unknown = place.reduce<unknown>(
    (value, step) => (value as Record<PropertyKey, unknown>)[step],
    given.value,
  );
  const [entry] = place;
  const name = typeof entry === "number" ? `entry ${entry + 1} of ${given.name}` : given.name;
  throw new ConfigError(complaint(name, issue, setting.secret ? undefined : shown(offending)), key);
}

function complaint(
  name: string,
  issue: { message: string; code: string } | undefined,
  offending: string | undefined,
): string {
  const message = issue?.message ?? "is not valid";
  // A rule of `topics` says itself which of its values is wrong.
  if (message.endsWith(".") || message.endsWith("?")) return `${name}: ${message}`;
  return `${name} ${message}${offending === undefined ? "" : `, not ${offending}`}.`;
}

function collectTokens(config: Config, nameOfFile: string): readonly TokenEntry[] {
  const single = config.token === "" ? [] : [{ subject: DEFAULT_SUBJECT, token: config.token }];
  return config.tokenFile === "" ? single : [...single, ...readTokenFile(config.tokenFile, nameOfFile)];
}

function isLoopbackHost(host: string): boolean {
  if (host.toLowerCase() === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
