/** What a command of `ringcast` is; its name and summary stand in commands.ts. */
import type { Terminal } from "./terminal.js";
import type { Arguments, OptionSpecs } from "./usage.js";

export interface Command {
  /** What can stand behind the command's name, one line for each form. */
  readonly usage: readonly string[];
  readonly options: OptionSpecs;
  /** Text of the help behind the options. */
  readonly notes?: string;
  /** Command lines that work as they stand, with what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /**
   * @returns the exit code
   * @throws UsageError where the arguments can't be meant, RingcastError where the hub refuses
   */
  run(args: Arguments, terminal: Terminal): Promise<number>;
}
