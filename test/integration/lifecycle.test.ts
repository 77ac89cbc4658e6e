import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { launch, runRingcast, startHub, type TestHub } from "../support/hub.js";
import { ask, askJson } from "../support/http-request.js";
import { JsonClient } from "../support/json-client.js";
import { sharedHub } from "../support/shared-hub.js";
import { tempDir } from "../support/temp-dir.js";
import { until, within } from "../support/until.js";

describe("a hub that runs", () => {
  const hub = sharedHub();

  it("says exactly one line on standard output when it serves, and logs JSON on standard error", async () => {
    expect((await ask(hub, "/readyz")).status).toBe(200);
    expect(hub.output().stdout).toBe(`ringcast listening on http://127.0.0.1:${hub.port}\n`);
    const lines = hub.output().stderr.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: "info", msg: "how logs are kept" },
      { level: "info", msg: "ready" },
    ]);
  });

  it("ends with exit code 1 and a sentence when the port is in use", async () => {
    using folder = tempDir();
    const second = await runRingcast(["serve", "--port", String(hub.port), "--data", folder.path]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("in use");
    expect(second.stdout).toBe("");
  });

  it("names the port first when the data directory is another hub's as well", async () => {
    const second = await runRingcast(["serve", "--port", String(hub.port), "--data", hub.data]);
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining("in use")]);
    expect((await ask(hub, "/readyz")).status).toBe(200);
  });

  it("ends with exit code 2 and a sentence when the data directory is another hub's", async () => {
    const second = await runRingcast(["serve", "--port", "0", "--data", hub.data]);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(hub.data);
    expect((await askJson(hub, "POST", "/v1/topics/t/messages", { data: 1 })).status).toBe(201);
  });
});

// Each has a hub of its own, and waits for it most of the time.
describe.concurrent("life of a hub", () => {
  it("ends with exit code 2 for a data directory that can't be one", async () => {
    const result = await runRingcast(["serve", "--port", "0", "--data", "/dev/null/data"]);
    expect(result.code).toBe(2);
  });

  it("ends with exit code 2 and a sentence when something else has the name of a folder that it needs", async () => {
    using folder = tempDir();
    writeFileSync(join(folder.path, "logs"), "");
    const { code, stderr } = await runRingcast(["serve", "--port", "0", "--data", folder.path]);
    expect(code).toBe(2);
    expect(stderr).toContain(join(folder.path, "logs"));
    expect(stderr).not.toContain("    at ");
  });

  it("stops on SIGTERM: tells its clients, closes with 1001, exits 0, keeps what was stored", async () => {
    await using hub = await startHub();
    const clients = await Promise.all(Array.from({ length: 5 }, () => JsonClient.connect(hub.wsUrl)));
    const [publisher] = clients;
    for (const client of clients) await client.request({ op: "subscribe", topic: "t" });
    expect((await publisher?.request({ op: "publish", topic: "t", data: "last" }))?.op).toBe("published");
    expect(await hub.stop()).toBe(0);
    for (const client of clients) {
      expect((await client.messages(1))[0]?.data).toBe("last");
      expect((await client.nextOf("draining")).reconnectAfterMs).toBeGreaterThanOrEqual(0);
      expect((await client.closed).code).toBe(1001);
    }
    await hub.restart();
    expect((await ask(hub, "/v1/topics/t/messages")).json["messages"]).toMatchObject([{ offset: 0, data: "last" }]);
  });

  it("stops on SIGINT as well", async () => {
    using folder = tempDir();
    const running = launch(["serve", "--port", "0", "--data", folder.path]);
    await until("the hub is ready", () => running.stdout.includes("listening"));
    running.child.kill("SIGINT");
    expect(await within("the hub to end", running.ended)).toBe(0);
  });

  it("answers what is under way before it stops", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    for (let id = 0; id < 50; id++) client.send({ op: "publish", id, topic: "t", data: id, durability: "synced" });
    await until("some are stored", async () => headOf(await ask(hub, "/v1/topics/t")) > 0);
    expect(await hub.stop()).toBe(0);
    await client.closed;
    const published = client.waiting.filter(({ op }) => op === "published");
    expect(published.length).toBeGreaterThan(0);
    await hub.restart();
    expect(headOf(await ask(hub, "/v1/topics/t"))).toBe(published.length);
  });

  it("stops within drainTimeoutMs although a client reads nothing", async () => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "500"] });
    await using stalled = await JsonClient.connect(hub.wsUrl);
    await stalled.request({ op: "subscribe", topic: "t" });
    stalled.socket.pause();
    for (let i = 0; i < 12; i++) {
      await askJson(hub, "POST", "/v1/topics/t/messages", { data: "x".repeat(1_000_000) });
    }
    const before = performance.now();
    expect(await hub.stop()).toBe(0);
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it("stops at once on a second signal", async () => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "60000"] });
    await using stalled = await stalledReader(hub);
    process.kill(hub.pid, "SIGTERM");
    await until("the hub is stopping", () => hub.output().stderr.includes("stopping"));
    expect(await hub.stop()).toBe(1);
    expect(stalled.socket.isPaused).toBe(true);
  });

  it("takes no new connections while it stops", async () => {
    await using hub = await startHub({ args: ["--drain-timeout-ms", "3000"] });
    await using stalled = await stalledReader(hub);
    process.kill(hub.pid, "SIGTERM");
    await until("the hub is stopping", () => hub.output().stderr.includes("stopping"));
    await expect(JsonClient.connect(hub.wsUrl)).rejects.toThrow();
    stalled.socket.terminate();
    expect(await hub.stop()).not.toBeNull();
  });

  it("goes on after kill -9 with everything that was acknowledged", async () => {
    await using hub = await startHub();
    const first = await askJson(hub, "POST", "/v1/topics/t/messages", { messages: [{ data: 1 }, { data: 2 }] });
    await hub.kill();
    await hub.restart();
    const page = (await ask(hub, "/v1/topics/t/messages")).json;
    const [offsets] = first.json["offsets"] as { epoch: string }[];
    expect(page).toMatchObject({ head: 2, epoch: offsets?.epoch, messages: [{ data: 1 }, { data: 2 }] });
  });

  it("stops on a signal that comes as soon as it runs", async () => {
    using folder = tempDir();
    const running = launch(["serve", "--port", "0", "--data", folder.path]);
    await until("the process runs", () => running.stdout !== "" || running.stderr !== "");
    running.child.kill("SIGTERM");
    expect(await within("the hub to end", running.ended)).toBe(0);
  });
});

/** A client with more in front of it than its socket takes, which has stopped reading. */
async function stalledReader(hub: TestHub): Promise<JsonClient> {
  const client = await JsonClient.connect(hub.wsUrl);
  await client.request({ op: "subscribe", topic: "stalled" });
  client.socket.pause();
  for (let i = 0; i < 12; i++) {
    await askJson(hub, "POST", "/v1/topics/stalled/messages", { data: "x".repeat(1_000_000) });
  }
  return client;
}

function headOf(answer: { readonly status: number; readonly json: Readonly<Record<string, unknown>> }): number {
  if (answer.status !== 200) return 0;
  return (answer.json["partitions"] as { head: number }[])[0]?.head ?? 0;
}
