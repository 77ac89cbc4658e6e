/** C: configurations, table in cases/configuration.ts. The hub's own start with some of them is in test/integration/config.test.ts. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../../server/src/config/index.js";
import { tempDir } from "../support/temp-dir.js";
import { CONFIGURATIONS, FIFO, TOKENS, type ConfigCase } from "./cases/configuration.js";

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const LONGEST_SENTENCE = 600;

describe("a configuration", () => {
  it.each(CONFIGURATIONS)("$id: $title: is refused by a sentence", (each) => {
    const sentence = complaintOf(each);

    expect(sentence).toContain(each.complaint);
    expect(sentence).not.toMatch(UNSAFE);
    expect(sentence.length).toBeLessThan(LONGEST_SENTENCE);
    if (each.secret !== undefined) expect(sentence).not.toContain(each.secret);
    expect(Object.prototype).not.toHaveProperty("port");
  });
});

/** What `ringcast serve` ends with, and exit code 2. */
function complaintOf({ argv = [], env = {}, file, tokens, mode = 0o600 }: ConfigCase): string {
  using folder = tempDir();
  const paths = { [TOKENS]: join(folder.path, "tokens"), [FIFO]: join(folder.path, "fifo") };
  if (file !== undefined) writeFileSync(join(folder.path, "ringcast.config.json"), file);
  if (tokens !== undefined) writeFileSync(paths[TOKENS], tokens, { mode });
  if (argv.includes(FIFO)) spawnSync("mkfifo", [paths[FIFO]]);
  const given = argv.map((argument) =>
    Object.hasOwn(paths, argument) ? ((paths as Record<string, string>)[argument] as string) : argument,
  );
  try {
    loadConfig({ argv: given, env, cwd: folder.path });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("It was taken");
}
