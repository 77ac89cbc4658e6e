/** What is wrong with the configuration; ends the process with exit code 2. */

/** A sentence that names the setting as the user wrote it and says how to mend it. Holds no secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly exitCode = 2;
  /** Key of the setting, where one is to blame. */
  readonly setting: string | undefined;

  constructor(message: string, setting?: string, options?: { cause?: unknown }) {
    super(message, options);
    this.setting = setting;
  }
}
