/**
 * What one setting is, and the kinds there are: how each is written on the command line, in the environment and in the file.
 */
import { z } from "zod";

/** Headings of help and reference page, in their order. */
export const SETTING_GROUPS = ["Server", "Access", "Topics", "Storage", "Limits", "Timing"] as const;

/** A setting: everything that help, reference page, validation and the effective configuration need to know about it. */
export interface Setting<T = unknown> {
  readonly group: (typeof SETTING_GROUPS)[number];
  /** One or two sentences. */
  readonly description: string;
  /** Unit of a number; part of the name already, so this is for the reader. */
  readonly unit?: "ms" | "bytes";
  readonly default: T;
  /** Judges a value of the right JSON type. */
  readonly schema: z.ZodType<T>;
  /** How the value is written as a flag, e.g. `<n>`; empty for a switch. */
  readonly placeholder: string;
  /** Legal values in words, for the reference page. */
  readonly values: string;
  /** Never printed. */
  readonly secret?: true;
  /** Has no flag and no variable. */
  readonly fileOnly?: true;
  /** A name of a file or folder: relative to the configuration file when it stands there, else to the working directory. */
  readonly path?: true;
  /** A new value holds from a SIGHUP on; any other setting needs a restart. */
  readonly reloads?: true;
  /**
   * Makes a value out of the text of a flag or variable; what can't be one stays text, so that the schema complains about what was written.
   */
  parse(text: string): unknown;
}

type Facts<T> = Pick<Setting<T>, "group" | "description" | "default"> &
  Partial<Pick<Setting<T>, "unit" | "secret" | "path" | "placeholder" | "values" | "reloads">>;

/** A text; empty means absent where that is the default. */
export function text(facts: Facts<string>): Setting<string> {
  const longest = 4096;
  const schema = z.string(`must be a string`).max(longest, `must have at most ${longest} characters`);
  return { placeholder: "<text>", values: "text", ...facts, schema, parse: (given) => given };
}

/** An integer with its bounds, both included. */
export function integer(facts: Facts<number> & { min: number; max: number }): Setting<number> {
  const { min, max, ...rest } = facts;
  const complaint = `must be an integer from ${min} to ${max}${facts.unit === undefined ? "" : ` (${facts.unit})`}`;
  const schema = z.int(complaint).min(min, complaint).max(max, complaint);
  return {
    placeholder: facts.unit === undefined ? "<n>" : `<${facts.unit}>`,
    values: `${min} to ${max}`,
    ...rest,
    schema,
    parse: (given) => (/^-?\d{1,16}$/.test(given) ? Number(given) : given),
  };
}

/** A switch: `--name`, `--name=false`, `RINGCAST_NAME=true`. */
export function toggle(facts: Facts<boolean>): Setting<boolean> {
  const truths: Readonly<Record<string, boolean>> = { true: true, "1": true, "": true, false: false, "0": false };
  return {
    placeholder: "",
    values: "`true`, `false`",
    ...facts,
    schema: z.boolean("must be true or false"),
    parse: (given) => (Object.hasOwn(truths, given) ? truths[given] : given),
  };
}

/** One of a few words. */
export function choice<const T extends string>(facts: Facts<NoInfer<T>> & { choices: readonly T[] }): Setting<T> {
  const { choices, ...rest } = facts;
  return {
    placeholder: choices.join("|"),
    values: choices.map((word) => `\`${word}\``).join(", "),
    ...rest,
    schema: z.enum(choices, `must be one of ${choices.join(", ")}`),
    parse: (given) => given,
  };
}

/** Several texts: a JSON array in the file; separated by commas, or the flag several times, elsewhere. */
export function list(facts: Facts<readonly string[]> & { entry: z.ZodType<string> }): Setting<readonly string[]> {
  const { entry, ...rest } = facts;
  return {
    placeholder: "<a,b,…>",
    values: "list of texts",
    ...rest,
    schema: z.array(entry, "must be a list of texts").max(1000, "must have at most 1000 entries"),
    parse: (given) =>
      given
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
  };
}
