import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, effectiveConfig, loadConfig, type LoadedConfig } from "../../../../server/src/config/index.js";
import { tempDir } from "../../../support/temp-dir.js";

const STRONG = "0123456789abcdef0123456789abcdef";

describe("loadConfig", () => {
  let folder: ReturnType<typeof tempDir>;
  beforeEach(() => {
    folder = tempDir();
  });
  afterEach(() => {
    folder[Symbol.dispose]();
  });

  function load(argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}): LoadedConfig {
    return loadConfig({ argv, env, cwd: folder.path });
  }

  function write(name: string, content: unknown): string {
    const path = join(folder.path, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  function complaintOf(argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}): string {
    try {
      load(argv, env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(error.exitCode).toBe(2);
      return error.message;
    }
    throw new Error("The configuration was taken although something is wrong with it.");
  }

  it("has the defaults of the wire contract", () => {
    expect(load().config).toMatchObject({
      host: "127.0.0.1",
      port: 7447,
      data: "./data",
      maxMessageBytes: 1_048_576,
      maxFrameBytes: 4_194_304,
      maxSubscriptions: 5000,
      maxWindow: 100_000,
      maxInflight: 1024,
      maxBatch: 10_000,
      idleTimeoutMs: 60_000,
      pingIntervalMs: 25_000,
      authTimeoutMs: 10_000,
      stallTimeoutMs: 600_000,
    });
  });

  it("prefers a flag to a variable, a variable to the file, and the file to the default", () => {
    write("ringcast.config.json", { port: 1, maxBatch: 1, maxWindow: 1 });
    const { config } = load(["--port", "3"], { RINGCAST_PORT: "2", RINGCAST_MAX_BATCH: "2" });
    expect(config).toMatchObject({ port: 3, maxBatch: 2, maxWindow: 1, maxInflight: 1024 });
  });

  it("reads every way to write a flag, and the last of several", () => {
    expect(load(["--port=5", "--port", "6"]).config.port).toBe(6);
    expect(load(["--demo"]).config.demo).toBe(true);
    expect(load(["--demo", "--no-demo"]).config.demo).toBe(false);
    expect(load(["--auto-create-topics=false"]).config.autoCreateTopics).toBe(false);
    expect(load([], { RINGCAST_DEMO: "1" }).config.demo).toBe(true);
  });

  it("splits lists at commas and adds up flags given several times", () => {
    const { config } = load(["--allowed-origins", "https://A.example, https://b.example", "--allowed-origins=*"]);
    expect(config.allowedOrigins).toEqual(["https://a.example", "https://b.example", "*"]);
  });

  it("takes a relative path from the working directory, and in the file from the file's folder", () => {
    expect(load(["--data", "here"]).config.data).toBe(join(folder.path, "here"));
    const path = write("other.json", { data: "there" });
    expect(loadConfig({ argv: ["--config", path], env: {}, cwd: "/" }).config.data).toBe(join(folder.path, "there"));
  });

  it("counts an empty variable as not set, but not an empty secret", () => {
    expect(load([], { RINGCAST_PORT: "" }).config.port).toBe(7447);
    expect(complaintOf([], { RINGCAST_TOKEN: "" })).toContain("RINGCAST_TOKEN is empty");
  });

  it("names the nearest flag, variable or key to one that is misspelt", () => {
    expect(complaintOf(["--prot", "1"])).toBe('There is no setting "--prot"; did you mean --port?');
    expect(complaintOf([], { RINGCAST_MAX_MESAGE_BYTES: "1" })).toContain("did you mean RINGCAST_MAX_MESSAGE_BYTES?");
    write("ringcast.config.json", { allowedOrigin: [] });
    expect(complaintOf()).toContain("did you mean allowedOrigins?");
  });

  it("refuses an unknown key of the file, also one that would change a prototype", () => {
    write("ringcast.config.json", '{"__proto__":{"port":1}}');
    expect(complaintOf()).toContain('"__proto__"');
  });

  it("warns of a variable that nobody knows, since an environment is shared", () => {
    const loaded = load([], { RINGCAST_SERVICE_ACCOUNT: "x", RINGCAST_URL: "ws://elsewhere" });
    expect(loaded.warnings).toEqual([expect.stringContaining('"RINGCAST_SERVICE_ACCOUNT"')]);
  });

  it.each([
    [["--port", "65536"], "--port must be an integer from 0 to 65535, not 65536."],
    [["--port", "-1"], "--port must be an integer from 0 to 65535, not -1."],
    [["--max-message-bytes", "1e9GB"], '(bytes), not "1e9GB".'],
    [["--idle-timeout-ms", "1.5"], 'not "1.5".'],
    [["--transport", "quic"], '--transport must be one of auto, uws, ws, not "quic".'],
    [["--demo=maybe"], '--demo must be true or false, not "maybe".'],
    [["--port"], "--port needs a value: --port <n>."],
    [["--data", "--demo"], "--data needs a value"],
    [["here"], '"here" is no flag'],
    [["--allowed-origins", "https://a.example/path"], "entry 1 of --allowed-origins must be an origin"],
    [["--config", "missing.json"], "can't be read (ENOENT)"],
  ])("refuses %j and says why", (argv, sentence) => {
    expect(complaintOf(argv)).toContain(sentence);
  });

  it("refuses a value of the wrong JSON type in the file", () => {
    const path = write("ringcast.config.json", { port: "7447" });
    expect(complaintOf()).toBe(`port in ${path} must be an integer from 0 to 65535, not "7447".`);
  });

  it("refuses a wrong value though another source overrides it", () => {
    const path = write("ringcast.config.json", { port: null });
    expect(complaintOf(["--port", "0"])).toContain(`port in ${path} must be`);
    write("ringcast.config.json", {});
    expect(complaintOf(["--max-batch", "1"], { RINGCAST_MAX_BATCH: "many" })).toContain("RINGCAST_MAX_BATCH must be");
  });

  it.each(["{", "[]", "null", "7"])("refuses a file that holds %s", (content) => {
    write("ringcast.config.json", content);
    expect(complaintOf()).toMatch(/is not JSON|must hold a JSON object/);
  });

  it("refuses Redis by name, in every writing, without showing the value", () => {
    expect(complaintOf(["--redis", "redis://:hunter2@host"])).not.toContain("hunter2");
    expect(complaintOf([], { RINGCAST_REDIS_URL: "redis://:hunter2@host" })).toMatch(
      /^RINGCAST_REDIS_URL can't be used/,
    );
    write("ringcast.config.json", { redis: "redis://host" });
    expect(complaintOf()).toContain("redis in ");
  });

  describe("topics", () => {
    it("keeps the rules in their order, with the settings they name", () => {
      const topics = [
        { pattern: "a.>", partitions: 4 },
        { pattern: "b.>", retentionMs: 60_000, retentionRecords: 10, autoCreate: false },
        { pattern: ">", durability: "synced" },
      ];
      write("ringcast.config.json", { topics });
      expect(load().config.topics).toEqual([
        { pattern: "a.>", config: { partitions: 4 } },
        { pattern: "b.>", config: { retentionMs: 60_000, retentionRecords: 10 }, autoCreate: false },
        { pattern: ">", config: { durability: "synced" } },
      ]);
    });

    it.each([
      [{ pattern: "a", retentionMs: -1 }, "retentionMs must be an integer from 0"],
      [{ pattern: "a", autoCreate: "no" }, 'autoCreate must be true or false, not "no".'],
      [{ pattern: "a", partitions: 0 }, "partitions must be an integer from 1 to 1024, not 0."],
      [{ pattern: "a", capacityBytes: "16MB" }, "capacityBytes must be an integer"],
      [{ pattern: "a", capacityBytes: 1e30 }, "capacityBytes must be an integer"],
      [{ pattern: "a", storage: "disk" }, 'storage must be "file" or "memory", not "disk".'],
      [{ pattern: "a", partition: 2 }, "did you mean partitions?"],
      [{ pattern: "a..b" }, '"a..b" is no pattern'],
      [{ partitions: 2 }, "must have a pattern"],
      ["a.>", "must be an object with a pattern"],
    ])("refuses the rule %j", (rule, sentence) => {
      write("ringcast.config.json", { topics: [{ pattern: "fine" }, rule] });
      const complaint = complaintOf();
      expect(complaint).toContain("entry 2 of topics in ");
      expect(complaint).toContain(sentence);
    });
  });

  it.each([
    [["--tls-cert", "c.pem"], "--tls-cert needs --tls-key beside it"],
    [["--tls-key", "k.pem"], "--tls-key needs --tls-cert beside it"],
  ])("refuses half a pair for TLS: %j", (argv, sentence) => {
    expect(complaintOf(argv)).toContain(sentence);
  });

  it("maps logs into memory unless told not to", () => {
    expect([load().config.mmap, load(["--no-mmap"]).config.mmap]).toEqual([true, false]);
  });

  describe("safety", () => {
    it.each(["127.0.0.1", "127.8.9.1", "localhost", "::1"])("listens on %s without a token", (host) => {
      expect(load(["--host", host]).loopback).toBe(true);
    });

    it.each(["0.0.0.0", "192.168.1.5", "::", "hub.example", "127.evil.example"])(
      "refuses %s without a token",
      (host) => {
        expect(complaintOf(["--host", host])).toContain(`--host ${host} lets others reach the hub`);
      },
    );

    it("takes another address with a strong token or told insecure", () => {
      expect(load(["--host", "0.0.0.0", "--token", STRONG]).loopback).toBe(false);
      expect(load(["--host", "0.0.0.0", "--insecure"]).tokens).toEqual([]);
    });

    it.each(["changeme", STRONG.slice(1)])("refuses the weak token %s where others can reach the hub", (token) => {
      const complaint = complaintOf(["--host", "0.0.0.0"], { RINGCAST_TOKEN: token });
      expect(complaint).toContain("RINGCAST_TOKEN is too weak for 0.0.0.0");
      expect(complaint).not.toContain(token);
    });

    it("takes a weak token on a loopback address", () => {
      expect(load(["--token", "dev"]).tokens).toEqual([{ subject: "token", token: "dev" }]);
    });

    it("refuses a token that no header can carry, without showing it", () => {
      expect(complaintOf(["--token", "two words"])).toBe("--token must be visible ASCII characters without blanks.");
    });

    it("reads tokens with their subjects from a file", () => {
      const path = write("tokens", `# the two of us\n\nana:${STRONG}\r\n  ${STRONG}x\n`);
      chmodSync(path, 0o600);
      expect(load(["--token-file", path]).tokens).toEqual([
        { subject: "ana", token: STRONG },
        { subject: "token", token: `${STRONG}x` },
      ]);
    });

    it("refuses a token file that others can read, that is empty, missing, or has a line that is no token", () => {
      const path = write("tokens", STRONG);
      chmodSync(path, 0o644);
      expect(complaintOf(["--token-file", path])).toContain("run chmod 600 on it");
      const bad = write("bad", `${STRONG}\nsecret words here\n`);
      chmodSync(bad, 0o600);
      expect(complaintOf(["--token-file", bad])).toContain("line 2, is no token");
      expect(complaintOf(["--token-file", bad])).not.toContain("words");
      const empty = write("empty", "# nobody\n");
      chmodSync(empty, 0o600);
      expect(complaintOf(["--token-file", empty])).toContain("holds no token");
      expect(complaintOf(["--token-file", "nowhere"])).toContain("can't be read (ENOENT)");
      expect(complaintOf(["--token-file", folder.path])).toContain("is no file of tokens");
    });
  });

  it("shows where each value comes from, and no secret", () => {
    write("ringcast.config.json", { maxBatch: 5, topics: [{ pattern: "a", partitions: 2 }] });
    const rows = effectiveConfig(load(["--port", "1"], { RINGCAST_TOKEN: STRONG }));
    const row = (key: string): unknown => rows.find((candidate) => candidate.key === key);
    expect(row("port")).toEqual({ key: "port", value: 1, source: "flag", from: "--port" });
    expect(row("token")).toEqual({ key: "token", value: "********", source: "environment", from: "RINGCAST_TOKEN" });
    expect(row("maxBatch")).toMatchObject({ value: 5, source: "file" });
    expect(row("topics")).toMatchObject({ value: [{ pattern: "a", partitions: 2 }] });
    expect(row("maxWindow")).toEqual({ key: "maxWindow", value: 100_000, source: "default", from: "default" });
    expect(JSON.stringify(rows)).not.toContain(STRONG);
  });
});
