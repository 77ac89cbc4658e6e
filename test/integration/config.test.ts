import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runRingcast, startHub } from "../support/hub.js";
import { ask } from "../support/http-request.js";
import { JsonClient } from "../support/json-client.js";
import { tempDir } from "../support/temp-dir.js";

// Each has a process of its own, most of whose time is its start.
describe.concurrent("configuration of a hub", () => {
  it.each([
    [["--prot", "1"], "did you mean --port?"],
    [["--port", "http"], "--port must be an integer"],
    [["--redis", "redis://localhost"], "--redis can't be used"],
    [["--host", "0.0.0.0"], "--token-file"],
    [["--host", "0.0.0.0", "--token", "changeme"], "too weak"],
    [["--config", "/nowhere/at/all.json"], "can't be read"],
  ])("ends with exit code 2 and a sentence for %j", async (args, sentence) => {
    using folder = tempDir();
    const result = await runRingcast(["serve", ...args], { cwd: folder.path });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(sentence);
    expect(result.stdout).toBe("");
  });

  it("ends with exit code 2 for a setting of the file that this version refuses", async () => {
    using folder = tempDir();
    writeFileSync(join(folder.path, "ringcast.config.json"), JSON.stringify({ redisUrl: "redis://localhost" }));
    const result = await runRingcast(["serve", "--port", "0"], { cwd: folder.path });
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining("redisUrl")]);
  });

  it("prints what holds and where it comes from, without secrets", async () => {
    using folder = tempDir();
    writeFileSync(join(folder.path, "ringcast.config.json"), JSON.stringify({ maxBatch: 77, token: "in-the-file" }));
    const result = await runRingcast(["config", "--port", "1234"], {
      cwd: folder.path,
      env: { RINGCAST_MAX_WINDOW: "55" },
    });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain("1234");
    expect(result.stdout).toContain("RINGCAST_MAX_WINDOW");
    expect(result.stdout).toContain("77");
    expect(result.stdout).not.toContain("in-the-file");
  });

  it("gives a new topic the first rule whose pattern matches", async () => {
    using folder = tempDir();
    const path = join(folder.path, "hub.json");
    const topics = [
      { pattern: "chat.>", partitions: 3 },
      { pattern: ">", storage: "memory" },
    ];
    writeFileSync(path, JSON.stringify({ topics }));
    await using hub = await startHub({ args: ["--config", path] });
    const made = async (topic: string) =>
      (await ask(hub, `/v1/topics/${topic}`, { method: "PUT" })).json["config"] as object;
    expect(await made("chat.lobby")).toMatchObject({ partitions: 3, storage: "file" });
    expect(await made("other")).toMatchObject({ partitions: 1, storage: "memory" });
  });

  it("creates no topics by publishing where that is switched off", async () => {
    await using hub = await startHub({ args: ["--no-auto-create-topics"] });
    await using client = await JsonClient.connect(hub.wsUrl);
    expect(await client.request({ op: "publish", topic: "t", data: 1 })).toMatchObject({ code: "unknown_topic" });
    expect((await ask(hub, "/v1/topics/t", { method: "PUT" })).status).toBe(201);
    expect(await client.request({ op: "publish", topic: "t", data: 1 })).toMatchObject({ op: "published" });
  });

  it("announces and enforces the limits that are set", async () => {
    await using hub = await startHub({
      args: ["--max-message-bytes", "100", "--max-topics", "2"],
      env: { RINGCAST_MAX_BATCH: "3" },
    });
    await using client = await JsonClient.open(hub.wsUrl);
    expect((await client.next()).limits).toMatchObject({ maxMessageBytes: 100, maxBatch: 3, maxWindow: 100_000 });
    const publish = (topic: string, data: unknown) => client.request({ op: "publish", topic, data });
    expect(await publish("a", "x".repeat(99))).toMatchObject({ code: "too_large" });
    expect(await publish("a", "x".repeat(98))).toMatchObject({ op: "published" });
    expect(await publish("b", 1)).toMatchObject({ op: "published" });
    expect(await publish("c", 1)).toMatchObject({ code: "too_many", details: { limit: 2 } });
    const messages = [{ data: 1 }, { data: 2 }, { data: 3 }, { data: 4 }];
    expect(await client.request({ op: "publish", topic: "a", messages })).toMatchObject({ code: "too_large" });
  });

  it("refuses one connection more than maxConnections in the handshake", async () => {
    await using hub = await startHub({ args: ["--max-connections", "1"] });
    await using only = await JsonClient.connect(hub.wsUrl);
    expect((await only.request({ op: "ping" })).op).toBe("pong");
    await expect(JsonClient.connect(hub.wsUrl)).rejects.toThrow("429");
  });

  it("reads its tokens from a file that only its owner can read", async () => {
    using folder = tempDir();
    const path = join(folder.path, "tokens");
    writeFileSync(path, "some-token\n");
    chmodSync(path, 0o644);
    const refused = await runRingcast(["serve", "--port", "0", "--token-file", path], { cwd: folder.path });
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("chmod 600")]);
    chmodSync(path, 0o600);
    await using hub = await startHub({ args: ["--token-file", path] });
    expect((await ask(hub, "/v1/topics")).status).toBe(401);
  });
});
