import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig, reloadConfig, type ConfigError, type LoadedConfig } from "../../../../server/src/config/index.js";
import { tempDir } from "../../../support/temp-dir.js";

const STRONG = "0123456789abcdef0123456789abcdef";

describe("reloadConfig", () => {
  let folder: ReturnType<typeof tempDir>;
  beforeEach(() => {
    folder = tempDir();
  });
  afterEach(() => {
    folder[Symbol.dispose]();
  });

  function write(config: object): void {
    writeFileSync(join(folder.path, "ringcast.config.json"), JSON.stringify(config));
  }

  function load(config: object, argv: readonly string[] = []): LoadedConfig {
    write(config);
    return loadConfig({ argv, env: {}, cwd: folder.path });
  }

  it("takes over what reloads, and keeps what needs a restart", () => {
    const current = load({ maxTopics: 10, maxBatch: 10 });
    write({ maxTopics: 20, maxBatch: 20, port: 1 });
    const { loaded, changed, waiting } = reloadConfig(current);
    expect(loaded.config).toMatchObject({ maxTopics: 20, maxBatch: 10, port: 7447 });
    expect([changed, waiting]).toEqual([["maxTopics"], ["port", "maxBatch"]]);
    expect(loaded.given.get("maxBatch")).toEqual(current.given.get("maxBatch"));
  });

  it("reads from the same flags, which still win", () => {
    const current = load({}, ["--max-topics", "5"]);
    write({ maxTopics: 20 });
    expect(reloadConfig(current)).toMatchObject({ changed: [], loaded: { config: { maxTopics: 5 } } });
  });

  it("goes back to the default of what is gone", () => {
    const current = load({ allowedOrigins: ["https://a.example"] });
    write({});
    expect(reloadConfig(current).loaded.config.allowedOrigins).toEqual([]);
  });

  it("tells a token file with other tokens as changed, though its name is the same", () => {
    const tokenFile = join(folder.path, "tokens");
    writeFileSync(tokenFile, `a:${STRONG}`, { mode: 0o600 });
    const current = load({ tokenFile });
    writeFileSync(tokenFile, `b:${STRONG}`);
    const { loaded, changed } = reloadConfig(current);
    expect(changed).toEqual(["tokenFile"]);
    expect(loaded.tokens).toEqual([{ subject: "b", token: STRONG }]);
    expect(reloadConfig(loaded).changed).toEqual([]);
  });

  it.each([
    [{ host: "0.0.0.0", token: STRONG }, {}],
    [{}, { token: STRONG }],
  ])("neither begins nor ends asking for tokens: from %j to %j", (before, after) => {
    const current = load(before);
    write(after);
    const { loaded, waiting } = reloadConfig(current);
    expect(waiting).toContain("token");
    expect(loaded.tokens).toEqual(current.tokens);
  });

  it("judges what results, not only what was read: a weak token on an address that stays open to others", () => {
    const current = load({ host: "0.0.0.0", token: STRONG });
    write({ host: "127.0.0.1", token: "weak" });
    expect(() => reloadConfig(current)).toThrow(/too weak for 0\.0\.0\.0/);
  });

  it("throws for a file that is wrong, naming the setting", () => {
    const current = load({});
    write({ maxTopics: 0 });
    expect(() => reloadConfig(current)).toThrow(
      expect.objectContaining<Partial<ConfigError>>({ setting: "maxTopics" }) as Error,
    );
  });

  it("needs a restart to begin or end TLS, not for other files", () => {
    const current = load({});
    write({ tlsCert: "a.pem", tlsKey: "a.key" });
    const { loaded, waiting } = reloadConfig(current);
    expect([waiting, loaded.config.tlsCert]).toEqual([["tlsCert", "tlsKey"], ""]);
    const secure = load({ tlsCert: "a.pem", tlsKey: "a.key" });
    write({ tlsCert: "b.pem", tlsKey: "b.key" });
    expect(reloadConfig(secure).changed).toEqual(["tlsCert", "tlsKey"]);
  });
});
