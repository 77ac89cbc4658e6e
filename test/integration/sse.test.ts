import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventReader } from "../support/event-reader.js";
import { startHub, type TestHub } from "../support/hub.js";
import { ask, askJson } from "../support/http-request.js";
import { JsonClient } from "../support/json-client.js";
import { until } from "../support/until.js";

describe("Server-Sent Events", () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startHub();
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });

  const publish = async (topic: string, ...data: unknown[]) => {
    const messages = data.map((each) => ({ data: each }));
    const answer = await askJson(hub, "POST", `/v1/topics/${topic}/messages`, { messages });
    expect(answer.status).toBe(201);
  };
  const open = (topic: string, query = "", headers: Readonly<Record<string, string>> = {}) =>
    EventReader.open(`${hub.url}/v1/topics/${topic}/events${query}`, headers);

  it("streams what is stored, then what comes, with the position after each as its id", async () => {
    await publish("basic", "a", "b");
    using reader = await open("basic", "?from=earliest");
    expect(reader.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    expect(reader.headers["cache-control"]).toContain("no-store");
    expect(await reader.messages(2)).toMatchObject([
      { offset: 0, data: "a" },
      { offset: 1, data: "b" },
    ]);
    await publish("basic", "c");
    const event = await reader.next();
    expect(JSON.parse(event.data)).toMatchObject({ offset: 2, data: "c" });
    expect(event.event).toBe("message");
    expect(event.id).toMatch(/^0\.[A-Za-z0-9_-]+\.3$/);
  });

  it("begins at the latest unless it is told, and creates the topic", async () => {
    using reader = await open("fresh");
    await publish("fresh", 1);
    expect(await reader.messages(1)).toMatchObject([{ offset: 0 }]);
    using late = await open("fresh");
    await publish("fresh", 2);
    expect(await late.messages(1)).toMatchObject([{ offset: 1 }]);
  });

  it("resumes exactly after the last event, which wins over from", async () => {
    await publish("resume", 0, 1, 2, 3);
    using first = await open("resume", "?from=earliest");
    await first.messages(2);
    // Whatever else has arrived meanwhile was not used; the id of the second event counts.
    const id = first.lastEventId.replace(/\d+$/, "2");
    using second = await open("resume", "?from=earliest", { "Last-Event-ID": id });
    expect(await second.messages(2)).toMatchObject([{ offset: 2 }, { offset: 3 }]);
  });

  it("gives a reader of the latest an id before the first event, so that nothing is lost in between", async () => {
    using first = await open("between");
    await until("there is an id", () => first.lastEventId !== "");
    first[Symbol.dispose]();
    await publish("between", "meanwhile");
    using second = await open("between", "", { "Last-Event-ID": first.lastEventId });
    expect(await second.messages(1)).toMatchObject([{ offset: 0, data: "meanwhile" }]);
  });

  it("names the positions of all partitions, and the partition of each message", async () => {
    await askJson(hub, "PUT", "/v1/topics/parts", { partitions: 3 });
    const to = (partition: number) => askJson(hub, "POST", "/v1/topics/parts/messages", { data: partition, partition });
    await to(2);
    await to(0);
    using first = await open("parts", "?from=earliest");
    const seen = await first.messages(2);
    expect(new Set(seen.map(({ partition }) => partition))).toEqual(new Set([0, 2]));
    const parts = first.lastEventId.split(",").map((part) => part.split("."));
    expect(parts.map(([partition, , offset]) => [partition, offset])).toEqual([
      ["0", "1"],
      ["1", "0"],
      ["2", "1"],
    ]);
    await to(1);
    using second = await open("parts", "", { "Last-Event-ID": first.lastEventId });
    expect(await second.messages(1)).toMatchObject([{ partition: 1, data: 1 }]);
  });

  it("tells another history as a gap event with an id, then goes on", async () => {
    await publish("again", 1, 2);
    using reader = await open("again", "", { "Last-Event-ID": "0.unheard-of.7" });
    const gap = await reader.next();
    expect(gap.event).toBe("gap");
    expect(JSON.parse(gap.data)).toEqual({
      topic: "again",
      partition: 0,
      from: 7,
      to: 7,
      reason: "epoch",
      epoch: expect.any(String) as unknown,
      next: 0,
    });
    expect(gap.id).toMatch(/^0\..*\.0$/);
    expect(await reader.messages(2)).toMatchObject([{ offset: 0 }, { offset: 1 }]);
  });

  it("tells a deleted topic as a gap and goes on with the new one", async () => {
    await publish("gone", 1);
    using reader = await open("gone");
    await until("the stream has begun", () => reader.comments > 0);
    await ask(hub, "/v1/topics/gone", { method: "DELETE" });
    await publish("gone", "new");
    const gap = await reader.next();
    expect(JSON.parse(gap.data)).toMatchObject({ reason: "deleted", from: 1, to: 1, next: 0 });
    expect(await reader.messages(1)).toMatchObject([{ offset: 0, data: "new" }]);
  });

  it("gives the same offsets as a WebSocket and as history", async () => {
    using events = await open("same");
    await until("the stream has begun", () => events.comments > 0);
    await using socket = await JsonClient.connect(hub.wsUrl);
    await socket.request({ op: "subscribe", topic: "same" });
    await publish("same", "x", "y", "z");
    const byEvents = await events.messages(3);
    expect(await socket.messages(3)).toEqual(byEvents);
    expect((await ask(hub, "/v1/topics/same/messages")).json["messages"]).toEqual(byEvents);
  });

  it("holds nothing for a reader that stops reading, and goes on where it was", async () => {
    using reader = await open("stalled");
    await until("the stream has begun", () => reader.comments > 0);
    reader.pause();
    const piece = "x".repeat(900_000);
    for (let i = 0; i < 12; i++) await publish("stalled", piece);
    using quick = await open("stalled", "?from=earliest");
    expect((await quick.messages(12)).map(({ offset }) => offset)).toEqual([...Array(12).keys()]);
    reader.resume();
    expect((await reader.messages(12)).map(({ offset }) => offset)).toEqual([...Array(12).keys()]);
  });
});

describe("the end of Server-Sent Events", () => {
  it("comes with a time to return when the hub stops", async () => {
    await using hub = await startHub();
    using reader = await EventReader.open(`${hub.url}/v1/topics/t/events`);
    await until("the stream has begun", () => reader.comments > 0);
    expect(await hub.stop()).toBe(0);
    await until("the stream has ended", () => reader.ended);
    expect(reader.retryMs).toBeGreaterThanOrEqual(0);
    expect(reader.retryMs).toBeLessThanOrEqual(5000);
  });
});
