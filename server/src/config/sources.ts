/**
 * Where settings come from: flags, environment variables, the configuration file. Each source gives raw values with the name that the user
 * wrote, so that a complaint can name it; nothing is judged here but the names.
 */
import { dirname, resolve } from "node:path";
import { shown } from "@ringcast/protocol";
import { ConfigError } from "./config-error.js";
import { nearestName } from "./nearest.js";
import { refuseIfNotYet } from "./not-yet.js";
import { flagOf, SETTING_KEYS, settingOf, variableOf, type SettingKey } from "./schema.js";
import { readSmallFile } from "./small-file.js";

export type SourceKind = "flag" | "environment" | "file" | "default";

/** A value somebody gave. */
export interface GivenValue {
  readonly value: unknown;
  readonly from: SourceKind;
  /** As the user wrote it: `--port`, `RINGCAST_PORT`, `port in ringcast.config.json`. */
  readonly name: string;
}

export type GivenValues = Map<SettingKey, GivenValue>;

const PREFIX = "RINGCAST_";
/** Variables that belong to the commands, not to the hub. */
const OTHER_VARIABLES = ["RINGCAST_URL"];

const KEYS_BY_FLAG = new Map(SETTING_KEYS.filter(isOutsideFile).map((key) => [flagOf(key), key]));
const KEYS_BY_VARIABLE = new Map(SETTING_KEYS.filter(isOutsideFile).map((key) => [variableOf(key), key]));
const KEYS_OF_FILE = SETTING_KEYS.filter((key) => key !== "config");

/**
 * Reads `--name value`, `--name=value`, `--switch` and `--no-switch`. The last of several wins; lists add up.
 *
 * @param cwd what relative paths start from
 * @throws ConfigError an unknown flag, a missing value, or an argument that is no flag
 */
export function readFlags(argv: readonly string[], cwd: string): GivenValues {
  const given: GivenValues = new Map();
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? "";
    const [name, inline] = splitOnce(argument, "=");
    refuseIfNotYet(name.replace(/^--/, ""), name);
    const key = KEYS_BY_FLAG.get(name) ?? switchedOff(name);
    if (key === undefined) throw unknownFlag(argument, name);
    const setting = settingOf(key);
    if (!KEYS_BY_FLAG.has(name)) {
      if (inline !== undefined)
        throw new ConfigError(`${name} takes no value: leave ${shown(inline)} out, or give it to ${flagOf(key)}.`, key);
      given.set(key, { value: false, from: "flag", name });
      continue;
    }
    const next = argv[at + 1];
    const isSwitch = setting.placeholder === "";
    if (inline === undefined && !isSwitch) {
      if (next === undefined || next.startsWith("--")) {
        throw new ConfigError(`${name} needs a value: ${name} ${setting.placeholder}.`, key);
      }
      at += 1;
    }
    const value = setting.parse(inline ?? (isSwitch ? "" : (next ?? "")));
    const before = given.get(key)?.value;
    const whole: unknown =
      Array.isArray(before) && Array.isArray(value) ? [...(before as unknown[]), ...(value as unknown[])] : value;
    given.set(key, { value: absolute(key, whole, cwd), from: "flag", name });
  }
  return given;
}

/**
 * Reads `RINGCAST_…` variables. An empty one counts as not set, but not where it is meant to protect something.
 *
 * @param warn told of variables that nobody knows: an environment is shared (Kubernetes adds some of its own), so only
 *   a likely slip is refused
 * @throws ConfigError a misspelt variable, or an empty secret
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
  warn: (sentence: string) => void,
): GivenValues {
  const given: GivenValues = new Map();
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined || OTHER_VARIABLES.includes(name)) continue;
    refuseIfNotYet(name.slice(PREFIX.length), name);
    const key = KEYS_BY_VARIABLE.get(name);
    if (key === undefined) judgeUnknownVariable(name, warn);
    else if (text !== "")
      given.set(key, { value: absolute(key, settingOf(key).parse(text), cwd), from: "environment", name });
    else if (settingOf(key).secret) throw new ConfigError(`${name} is empty: give it a value or unset it.`, key);
  }
  return given;
}

/**
 * Reads the configuration file.
 *
 * @param required whether the user named it; otherwise it may be missing
 * @returns undefined when it is missing
 * @throws ConfigError it can't be read, is no JSON object, or has an unknown key
 */
export function readFile(path: string, options: { readonly required: boolean }): GivenValues | undefined {
  const text = readText(path, options.required);
  if (text === undefined) return undefined;
  const given: GivenValues = new Map();
  for (const [key, value] of Object.entries(parseObject(text, path))) {
    const name = `${key} in ${path}`;
    if (key === "$schema") continue;
    refuseIfNotYet(key, name);
    if (!isKeyOfFile(key)) throw unknownKey(key, path);
    given.set(key, { value: absolute(key, value, dirname(path)), from: "file", name });
  }
  return given;
}

function isOutsideFile(key: SettingKey): boolean {
  return settingOf(key).fileOnly !== true;
}

function isKeyOfFile(key: string): key is SettingKey {
  return (KEYS_OF_FILE as readonly string[]).includes(key);
}

function switchedOff(flag: string): SettingKey | undefined {
  const key = flag.startsWith("--no-") ? KEYS_BY_FLAG.get(`--${flag.slice("--no-".length)}`) : undefined;
  return key !== undefined && settingOf(key).placeholder === "" ? key : undefined;
}

function unknownFlag(argument: string, name: string): ConfigError {
  if (!name.startsWith("-"))
    return new ConfigError(`${shown(argument)} is no flag; settings are written --name value.`);
  return new ConfigError(`There is no setting ${shown(name)}${suggestion(name, [...KEYS_BY_FLAG.keys()])}`);
}

function judgeUnknownVariable(name: string, warn: (sentence: string) => void): void {
  // Without the prefix, which every name has in common and which would make all of them look alike.
  const nearest = nearestName(
    name.slice(PREFIX.length),
    [...KEYS_BY_VARIABLE.keys()].map((variable) => variable.slice(PREFIX.length)),
  );
  if (nearest !== undefined)
    throw new ConfigError(`There is no setting ${shown(name)}; did you mean ${PREFIX}${nearest}?`);
  warn(`The environment variable ${shown(name)} is no setting of the hub and is ignored.`);
}

function unknownKey(key: string, path: string): ConfigError {
  return new ConfigError(`There is no setting ${shown(key)}, as in ${path}${suggestion(key, KEYS_OF_FILE)}`);
}

function suggestion(given: string, known: readonly string[]): string {
  const nearest = nearestName(given, known);
  return nearest === undefined ? "; `ringcast serve --help` lists them all." : `; did you mean ${nearest}?`;
}

function readText(path: string, required: boolean): string | undefined {
  try {
    const text = readSmallFile(path);
    if (text !== undefined) return text;
    throw new ConfigError(`${path} can't be the configuration: it must be a file of at most 1 MiB.`, "config");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    if (code === "ENOENT" && !required) return undefined;
    throw new ConfigError(`The configuration file ${path} can't be read (${code}).`, "config", { cause: error });
  }
}

function parseObject(text: string, path: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    throw new ConfigError(`The configuration file ${path} is not JSON${placeOf(error as Error, text)}.`, "config", {
      cause: error,
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new ConfigError(`The configuration file ${path} must hold a JSON object, such as {"port": 7447}.`, "config");
}

/** The line that the parser stopped at, where it says so. Its own words quote the file, and there may be secrets in it. */
function placeOf({ message }: Error, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? "" : `: look at line ${text.slice(0, Number(position)).split("\n").length}`;
}

function absolute(key: SettingKey, value: unknown, folder: string): unknown {
  return settingOf(key).path === true && typeof value === "string" && value !== "" ? resolve(folder, value) : value;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
