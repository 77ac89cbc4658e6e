import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EventReader } from "../support/event-reader.js";
import { startHub, type TestHub } from "../support/hub.js";
import { ask, askJson } from "../support/http-request.js";
import { JsonClient } from "../support/json-client.js";
import { tempDir } from "../support/temp-dir.js";
import { until, within } from "../support/until.js";

const ALICE = "alice-token-of-thirty-two-characters";
const BOB = "bob-token-of-thirty-two-characters-x";

describe("SIGHUP", () => {
  it("takes over what may change, and names what needs a restart", async () => {
    await using rig = await startWith({ maxBatch: 10, topics: [{ pattern: "old.>", partitions: 2 }] });
    const { hub } = rig;
    const partitionsOf = async (topic: string) =>
      ((await ask(hub, `/v1/topics/${topic}`, { method: "PUT" })).json["partitions"] as unknown[]).length;
    expect(await partitionsOf("new.a")).toBe(1);
    await rig.reload({
      maxBatch: 20,
      logLevel: "debug",
      allowedOrigins: ["https://app.example"],
      maxDataBytes: 1_000_000_000,
      topics: [{ pattern: "new.>", partitions: 3, autoCreate: false }],
    });
    expect(hub.output().stderr).toMatch(/"setting":"maxBatch".*restart/);
    expect(await partitionsOf("new.b")).toBe(3);
    expect(await partitionsOf("new.a")).toBe(1);
    const refused = await askJson(hub, "POST", "/v1/topics/new.c/messages", { data: 1 });
    expect([refused.status, refused.json["code"]]).toEqual([404, "unknown_topic"]);
    const foreign = await ask(hub, "/v1/topics", { headers: { Origin: "https://app.example" } });
    expect(foreign.headers["access-control-allow-origin"]).toBe("https://app.example");
    expect((await ask(hub, "/metrics")).text).toContain("\nringcast_log_limit_bytes 1000000000\n");
    const batch = { messages: Array.from({ length: 15 }, (_, n) => ({ data: n })) };
    expect((await askJson(hub, "POST", "/v1/topics/t/messages", batch)).status).toBe(413);
  });

  it("changes nothing when the file is wrong, and says which setting", async () => {
    await using rig = await startWith({ allowedOrigins: ["https://app.example"] });
    await rig.reload({ allowedOrigins: [], maxTopics: "many" }, /maxTopics in .* must be an integer/);
    const answer = await ask(rig.hub, "/v1/topics", { headers: { Origin: "https://app.example" } });
    expect(answer.status).toBe(200);
    expect(rig.hub.output().stderr).toMatch(/"setting":"maxTopics"/);
  });

  it("refuses names and pages that are on its lists no more, however lately it let them through", async () => {
    const name = "hub.example";
    const page = "https://app.example";
    await using rig = await startWith({ allowedHosts: [name], allowedOrigins: [page] });
    const { hub } = rig;
    const lists = (headers: Record<string, string>) => ask(hub, "/v1/topics", { headers });
    const statuses = async (): Promise<number[]> => {
      const answers = [await lists({ Host: name }), await lists({ Origin: page })];
      return answers.map(({ status }) => status);
    };
    expect(await statuses()).toEqual([200, 200]);
    await (await JsonClient.connect(hub.wsUrl, { headers: { Host: name } }))[Symbol.asyncDispose]();
    expect((await lists({ Host: name })).status).toBe(200);
    await rig.reload({});
    await expect(JsonClient.connect(hub.wsUrl, { headers: { Host: name } })).rejects.toThrow(/403/);
    await expect(JsonClient.connect(hub.wsUrl, { headers: { Origin: page } })).rejects.toThrow(/403/);
    expect(await statuses()).toEqual([403, 403]);
  });

  it("disconnects who holds a token that is gone, and nobody else", async () => {
    using folder = tempDir();
    const tokenFile = join(folder.path, "tokens");
    writeFileSync(tokenFile, `alice:${ALICE}\nbob:${BOB}\n`, { mode: 0o600 });
    await using rig = await startWith({ tokenFile });
    const { hub } = rig;
    const as = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
    await using alice = await JsonClient.connect(hub.wsUrl, as(ALICE));
    await using bob = await JsonClient.connect(hub.wsUrl, as(BOB));
    using stream = await EventReader.open(`${hub.url}/v1/topics/t/events`, as(BOB).headers);
    writeFileSync(tokenFile, `alice:${ALICE}\n`);
    await rig.reload({ tokenFile });
    expect(await within("bob to be closed", bob.closed)).toMatchObject({ code: 4401 });
    await until("bob's stream has ended", () => stream.ended);
    expect((await ask(hub, "/v1/topics", as(BOB))).status).toBe(401);
    expect((await alice.request({ op: "ping" })).op).toBe("pong");
    writeFileSync(tokenFile, "");
    await rig.reload({ tokenFile }, /holds no token/);
    expect((await ask(hub, "/v1/topics")).status).toBe(401);
  });

  it("holds limits that are read at use against connections that are open", async () => {
    await using rig = await startWith({});
    await using client = await JsonClient.connect(rig.hub.wsUrl);
    await rig.reload({ maxConnections: 1, maxPublishRate: 1 });
    await expect(JsonClient.connect(rig.hub.wsUrl)).rejects.toThrow(/429/);
    const replies = await Promise.all([1, 2, 3, 4].map((n) => client.request({ op: "publish", topic: "t", data: n })));
    expect(replies.some(({ code }) => code === "rate_limited")).toBe(true);
  });
});

interface Reloading extends AsyncDisposable {
  readonly hub: TestHub;
  /** Writes the file anew, sends SIGHUP and waits until the hub has said what became of it. */
  reload(config: object, says?: RegExp): Promise<void>;
}

async function startWith(config: object): Promise<Reloading> {
  const folder = tempDir();
  const path = join(folder.path, "hub.json");
  writeFileSync(path, JSON.stringify(config));
  const hub = await startHub({ args: ["--config", path] });
  return {
    hub,
    reload: async (next, says = /configuration changed/) => {
      const before = hub.output().stderr.length;
      writeFileSync(path, JSON.stringify(next));
      process.kill(hub.pid, "SIGHUP");
      await until(`the hub says ${says}`, () => says.test(hub.output().stderr.slice(before)));
    },
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}
