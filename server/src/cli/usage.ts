/** Arguments of the commands: what there is, how it is read, and the help text made from the same table. */
import { parseArgs } from "node:util";

/** The command line can't be meant; the process ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** What the value is, e.g. `<n>`; none for a switch. */
  readonly placeholder?: string;
  readonly description: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What was given on the command line. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** Value of an option that can be given once. */
  text(name: string): string | undefined;
  /** Values of an option that can be given several times. */
  texts(name: string): readonly string[];
  isOn(name: string): boolean;
  /** @throws UsageError where it is no integer from `least` to `most` */
  integer(name: string, least: number, most?: number): number | undefined;
}

const HELP_INDENT = 26;

/**
 * Reads the arguments behind a command's name.
 *
 * @throws UsageError for an unknown option, or a value that is missing
 */
export function readArguments(argv: readonly string[], options: OptionSpecs): Arguments {
  const { values, positionals } = parse(argv, options);
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    positionals,
    text,
    texts: (name) => [values[name] ?? []].flat().filter((value) => typeof value === "string"),
    isOn: (name) => values[name] === true,
    integer: (name, least, most = Number.MAX_SAFE_INTEGER) => {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = /^\d+$/.test(value) ? Number(value) : NaN;
      if (number >= least && number <= most) return number;
      const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
      throw new UsageError(`--${name} must be an integer ${range}, not ${JSON.stringify(value)}.`);
    },
  };
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

function parse(argv: readonly string[], options: OptionSpecs): { values: Values; positionals: string[] } {
  const wanted = Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
    ]),
  );
  try {
    return parseArgs({ args: [...argv], options: wanted, allowPositionals: true, strict: true });
  } catch (error) {
    if (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) {
      throw new UsageError(error.message.split(". ")[0]?.concat(".").replace(/\.\.$/, ".") ?? "");
    }
    throw error;
  }
}

/** The lines of a help text that describe options; ends with a line break. */
export function describeOptions(options: OptionSpecs): string {
  return Object.entries(options)
    .map(([name, { short, placeholder, description }]) => {
      const head = `  --${name}${placeholder === undefined ? "" : ` ${placeholder}`}${short === undefined ? "" : `, -${short}`}`;
      const lines = description.split("\n").join(`\n${" ".repeat(HELP_INDENT)}`);
      return head.length < HELP_INDENT - 1
        ? `${head.padEnd(HELP_INDENT)}${lines}\n`
        : `${head}\n${" ".repeat(HELP_INDENT)}${lines}\n`;
    })
    .join("");
}
