import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BinaryClient } from "../support/binary-client.js";
import { EventReader } from "../support/event-reader.js";
import { startHub, type TestHub } from "../support/hub.js";
import { ask, askJson } from "../support/http-request.js";
import { JsonClient } from "../support/json-client.js";
import { until, within } from "../support/until.js";

type Row = Readonly<Record<string, unknown>>;

describe("what operators see of connections", () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startHub();
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });

  afterEach(async () => {
    await until("nobody is left", async () => (await rows("/v1/connections", "connections")).length === 0);
  });

  async function rows(path: string, field: "connections" | "subscriptions"): Promise<readonly Row[]> {
    const { status, json } = await ask(hub, path);
    expect(status).toBe(200);
    return json[field] as readonly Row[];
  }

  it("lists sessions and event streams, page by page", async () => {
    await using json = await JsonClient.connect(hub.wsUrl);
    await using binary = await BinaryClient.connect(hub.wsUrl);
    using stream = await EventReader.open(`${hub.url}/v1/topics/listed/events`);
    const all = await rows("/v1/connections", "connections");
    expect(all.map(({ dialect }) => dialect)).toEqual(["json", "msgpack", "events"]);
    expect(all[0]).toMatchObject({ id: json.connection, remoteAddress: "127.0.0.1", bufferedBytes: 0 });
    expect(all[1]).toMatchObject({ id: binary.connection, subscriptions: 0 });
    const seen: unknown[] = [];
    for (let after = ""; ;) {
      const { json: page } = await ask(hub, `/v1/connections?limit=1${after}`);
      seen.push(...(page["connections"] as Row[]).map(({ id }) => id));
      if (page["next"] === null) break;
      after = `&after=${page["next"] as string}`;
    }
    expect(seen).toEqual(all.map(({ id }) => id));
    expect(stream.status).toBe(200);
  });

  it("tells what each reads, how far it is behind and which gate holds it", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await client.request({ op: "subscribe", topic: "lagging", window: 2 });
    await client.request({ op: "subscribe", topic: "idle" });
    using stream = await EventReader.open(`${hub.url}/v1/topics/lagging/events`);
    const messages = Array.from({ length: 10 }, (_, n) => ({ data: n }));
    await askJson(hub, "POST", "/v1/topics/lagging/messages", { messages });
    const path = `/v1/connections/${client.connection}`;
    const subscriptions = async () => (await ask(hub, path)).json["subscriptions"] as readonly Row[];
    await until("the window is full", async () => (await subscriptions())[0]?.["state"] === "waiting-for-window");
    const [lagging, idle] = await subscriptions();
    expect(lagging).toMatchObject({ topic: "lagging", window: 2, unacknowledged: 2, lag: { records: 8 } });
    expect(lagging?.["cursors"]).toMatchObject([{ partition: 0, next: 2, head: 10, tail: 0, lag: { records: 8 } }]);
    expect(idle).toMatchObject({ topic: "idle", state: "live", lag: { records: 0, bytes: 0, ms: 0 } });
    const all = await rows("/v1/subscriptions", "subscriptions");
    expect(all.map(({ connection, topic }) => [connection, topic])).toEqual([
      [client.connection, "lagging"],
      [client.connection, "idle"],
      [expect.stringMatching(/^events_\d+$/), "lagging"],
    ]);
    const first = await ask(hub, "/v1/subscriptions?limit=1");
    const second = await ask(hub, `/v1/subscriptions?limit=2&after=${String(first.json["next"])}`);
    expect([...(first.json["subscriptions"] as Row[]), ...(second.json["subscriptions"] as Row[])]).toMatchObject(
      all.map(({ connection, subscription }) => ({ connection, subscription })),
    );
    expect(second.json["next"]).toBeNull();
    expect(stream.ended).toBe(false);
  });

  it("disconnects one session, or one stream", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    await using other = await JsonClient.connect(hub.wsUrl);
    using stream = await EventReader.open(`${hub.url}/v1/topics/cut/events`);
    const remove = (id: string) => ask(hub, `/v1/connections/${id}`, { method: "DELETE" });
    expect((await remove(client.connection)).status).toBe(204);
    expect(await within("the close", client.closed)).toMatchObject({ code: 1008 });
    const found = await rows("/v1/connections", "connections");
    expect((await remove(String(found.find(({ dialect }) => dialect === "events")?.["id"]))).status).toBe(204);
    await until("the stream has ended", () => stream.ended);
    const again = await remove(client.connection);
    expect([again.status, again.json["code"]]).toEqual([404, "unknown_connection"]);
    expect((await other.request({ op: "ping" })).op).toBe("pong");
  });

  it.each([
    ["GET", "/v1/connections?after=nobody", 400],
    ["GET", "/v1/connections?limit=0", 400],
    ["GET", "/v1/subscriptions?limit=1001", 400],
    ["GET", "/v1/connections/events_999999", 404],
    ["POST", "/v1/connections", 405],
    ["DELETE", "/v1/subscriptions", 405],
  ])("answers %s %s with %i", async (method, path, status) => {
    expect((await ask(hub, path, { method })).status).toBe(status);
  });
});
