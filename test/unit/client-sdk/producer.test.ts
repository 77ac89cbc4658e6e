import { describe, expect, it } from "vitest";
import type { AnyRequest, ScriptedSocket } from "../../support/scripted-network.js";
import { settle } from "../../support/virtual-runtime.js";
import { connected, dial } from "./support.js";

const sequences = (socket: ScriptedSocket) =>
  socket.requests("publish").map(({ data, producer }) => `${String(data)}@${producer.sequence}`);
const publishes = (socket: ScriptedSocket) => socket.requests("publish") as [AnyRequest, AnyRequest, AnyRequest];

describe("publishing", () => {
  it("numbers publishes of each topic from 0 and returns where they are stored", async () => {
    const { network, hub } = await connected();
    const stored = hub.publish("t", "a", { key: "k", headers: { h: "1" }, durability: "synced" });
    void hub.publish("other", "b").catch(() => undefined);
    await settle();
    const [first, second] = publishes(network.socket);
    expect(first).toMatchObject({ topic: "t", data: "a", key: "k", headers: { h: "1" }, durability: "synced" });
    expect([first.producer.sequence, second.producer.sequence]).toEqual([0, 0]);
    await network.socket.store(first, 41);
    expect(await stored).toEqual({ topic: "t", partition: 0, epoch: "e1", offset: 41, timestamp: 1 });
  });

  it("sends what waited as soon as it is connected, in order", async () => {
    const { network, hub } = await dial();
    for (const data of ["a", "b", "c"]) void hub.publish("t", data);
    await network.socket.welcome();
    expect(sequences(network.socket)).toEqual(["a@0", "b@1", "c@2"]);
  });

  it("sends again with the same sequences what was in flight", async () => {
    const { network, runtime, hub } = await connected();
    const all = ["a", "b", "c"].map((data) => hub.publish("t", data));
    await settle();
    await network.socket.store(publishes(network.socket)[1], 1);
    await network.socket.cut();
    void hub.publish("t", "d");
    await runtime.advance(250);
    await network.socket.welcome();
    expect(sequences(network.socket)).toEqual(["a@0", "c@2", "d@3"]);
    for (const each of publishes(network.socket)) await network.socket.store(each, each.producer.sequence);
    expect((await Promise.all(all)).map(({ offset }) => offset)).toEqual([0, 1, 2]);
  });

  it("sends every topic's from its first again when all were in flight", async () => {
    const { network, runtime, hub } = await connected();
    for (const data of ["a", "b"]) for (const topic of ["t", "u"]) void hub.publish(topic, data);
    await settle();
    await network.socket.cut();
    for (const topic of ["t", "u"]) void hub.publish(topic, "c");
    await runtime.advance(250);
    await network.socket.welcome();
    const sent = network.socket.requests("publish");
    for (const topic of ["t", "u"]) {
      const own = sent.filter((each) => each.topic === topic);
      expect(own.map(({ data, producer }) => `${String(data)}@${producer.sequence}`)).toEqual(["a@0", "b@1", "c@2"]);
    }
  });

  it("sends the bytes of the call, whatever becomes of the object", async () => {
    const { network, hub } = await dial();
    const data = { count: 1 };
    void hub.publish("t", data);
    data.count = 2;
    await network.socket.welcome();
    expect(network.socket.requests("publish")[0]?.data).toEqual({ count: 1 });
  });

  it("gives the sequence of a refused publish to the next, in order", async () => {
    const { network, hub } = await connected();
    const outcomes = ["a", "b", "c"].map((data) => hub.publish("t", data));
    const refused = expect(outcomes[0]).rejects.toMatchObject({ code: "schema_violation" });
    await settle();
    const { socket } = network;
    const [a, b, c] = publishes(socket);
    await socket.refuse(a, "schema_violation");
    await socket.refuse(b, "out_of_sequence", { expected: 0 });
    expect(sequences(socket)).toHaveLength(3);
    await socket.refuse(c, "out_of_sequence", { expected: 0 });
    await refused;
    expect(sequences(socket).slice(3)).toEqual(["b@0", "c@1"]);
  });

  it("keeps the order when one is refused for a while", async () => {
    const { network, runtime, hub } = await connected();
    for (const data of ["a", "b"]) void hub.publish("t", data);
    await settle();
    const { socket } = network;
    const [a, b] = publishes(socket);
    await socket.refuse(a, "rate_limited", { retryAfterMs: 700 });
    await socket.refuse(b, "out_of_sequence", { expected: 0 });
    void hub.publish("t", "c");
    await runtime.advance(699);
    expect(sequences(socket)).toHaveLength(2);
    await runtime.advance(1);
    expect(sequences(socket).slice(2)).toEqual(["a@0", "b@1", "c@2"]);
  });

  it("goes on from the sequence that a hub expects which has lost the newest", async () => {
    const { network, runtime, hub } = await connected();
    const early = [hub.publish("t", "a"), hub.publish("t", "b")];
    await settle();
    for (const each of network.socket.requests("publish")) await network.socket.store(each, each.producer.sequence);
    await Promise.all(early);
    void hub.publish("t", "c");
    await settle();
    await network.socket.cut();
    await runtime.advance(250);
    await network.socket.welcome();
    expect(sequences(network.socket)).toEqual(["c@2"]);
    await network.socket.refuse("publish", "out_of_sequence", { expected: 1 });
    expect(sequences(network.socket)).toEqual(["c@2", "c@1"]);
  });

  it("steps over a sequence that a given-up publish holds", async () => {
    const { network, hub } = await connected();
    void hub.publish("t", "a");
    await settle();
    await network.socket.refuse("publish", "conflict");
    expect(sequences(network.socket)).toEqual(["a@0", "a@1"]);
  });

  it("rejects after the time limit, and says whether it may be stored", async () => {
    const { network, runtime, hub } = await connected({ timeoutMs: 5_000 }, { maxInflight: 1 });
    const sent = expect(hub.publish("t", "sent")).rejects.toMatchObject({
      code: "unavailable",
      details: { stored: "unknown" },
    });
    const waiting = expect(hub.publish("t", "waiting")).rejects.toMatchObject({ details: { stored: "no" } });
    await runtime.advance(5_000);
    await Promise.all([sent, waiting]);
    // The one that may be stored keeps its sequence.
    const next = hub.publish("t", "next");
    await network.socket.cut();
    await runtime.advance(250);
    await network.socket.welcome({ maxInflight: 10 });
    expect(sequences(network.socket)).toEqual(["sent@0", "next@1"]);
    for (const each of publishes(network.socket)) await network.socket.store(each, each.producer.sequence);
    expect(await next).toMatchObject({ offset: 1 });
  });

  it("drops a given-up publish once the hub says that it is not stored", async () => {
    const { network, runtime, hub } = await connected({ timeoutMs: 500 });
    const late = expect(hub.publish("t", "late")).rejects.toMatchObject({ code: "unavailable" });
    await runtime.advance(500);
    await late;
    await network.socket.refuse("publish", "unavailable", { stored: "no", retryAfterMs: 100 });
    void hub.publish("t", "next");
    await runtime.advance(100);
    expect(sequences(network.socket)).toEqual(["late@0", "next@0"]);
  });

  it("has no more in flight than the hub allows", async () => {
    const { network, hub } = await connected({}, { maxInflight: 2 });
    for (let i = 0; i < 5; i++) void hub.publish(`t${i}`, i);
    await settle();
    expect(network.socket.requests("publish")).toHaveLength(2);
    await network.socket.store(publishes(network.socket)[0], 0);
    expect(network.socket.requests("publish")).toHaveLength(3);
  });

  it("refuses one more than its backlog holds, and tells when there is room", async () => {
    const { network, hub } = await dial({ maxBacklog: 4 });
    const all = [1, 2, 3, 4].map((data) => hub.publish("t", data));
    await expect(hub.publish("t", 5)).rejects.toMatchObject({ code: "too_many" });
    let hasRoom = false;
    void hub.drained().then(() => (hasRoom = true));
    await settle();
    expect(hasRoom).toBe(false);
    await network.socket.welcome();
    for (const each of network.socket.requests("publish")) await network.socket.store(each, 0);
    await Promise.all(all);
    await settle();
    expect(hasRoom).toBe(true);
  });

  it("refuses by itself what would make the hub cut the connection", async () => {
    const { network, hub } = await connected({}, { maxFrameBytes: 10_000 });
    await expect(hub.publish("t", "é".repeat(5_000))).rejects.toMatchObject({ code: "too_large" });
    void hub.publish("t", "small");
    await settle();
    expect(sequences(network.socket)).toEqual(["small@0"]);
  });

  it("refuses data that can't be encoded", async () => {
    const { hub } = await connected();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    await expect(hub.publish("t", circle)).rejects.toMatchObject({ code: "bad_request", details: { field: "data" } });
    await expect(hub.publish("t", 1n)).rejects.toMatchObject({ code: "bad_request" });
  });

  it("publishes many as one", async () => {
    const { network, hub } = await connected();
    const stored = hub.publishMany("t", [{ data: 1, key: "k" }, { data: 2 }], { partition: 3 });
    await settle();
    expect(network.socket.requests("publish")[0]).toMatchObject({
      partition: 3,
      messages: [{ data: 1, key: "k" }, { data: 2 }],
    });
    const offsets = [{ partition: 3, epoch: "e1", first: 8, count: 2 }];
    await network.socket.reply("publish", { op: "published", topic: "t", timestamp: 5, offsets });
    expect(await stored).toEqual({ topic: "t", timestamp: 5, offsets });
  });

  it("begins with a new producer id on a topic that it has forgotten", async () => {
    const { network, hub } = await connected();
    const publish = async (topic: string) => {
      const stored = hub.publish(topic, 1);
      await settle();
      const request = network.socket.requests("publish").at(-1) as AnyRequest;
      await network.socket.store(request, 0);
      await stored;
      return request.producer;
    };
    const first = await publish("t0");
    for (let i = 1; i <= 1_000; i++) await publish(`t${i}`);
    const again = await publish("t0");
    expect(again.sequence).toBe(0);
    expect(again.id).not.toBe(first.id);
  });
});
