import { describe, expect, it } from "vitest";
import { startInProcess, type FakeClient, type InProcessHub } from "../../../property/delivery/in-process-hub.js";

const NONE = { messagesPerSecond: 0, bytesPerSecond: 0, requestsPerSecond: 0 };

describe("the rate of publishing", () => {
  it("refuses the message behind two seconds' worth, and takes it when it has waited as told", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, messagesPerSecond: 5 } });
    const client = hub.connect();

    const codes = Array.from({ length: 11 }, () => publish(hub, client, { data: 1 }));
    const refused = codes.at(-1);
    hub.runtime.advance((refused?.details["retryAfterMs"] as number) - 1);
    const tooSoon = publish(hub, client, { data: 1 });
    hub.runtime.advance(1);
    const inTime = publish(hub, client, { data: 1 });

    expect(codes.slice(0, 10).every(({ op }) => op === "published")).toBe(true);
    expect(refused).toMatchObject({ op: "error", code: "rate_limited", details: { retryAfterMs: 200 } });
    expect([tooSoon.code, inTime.offset]).toEqual(["rate_limited", 10]);
  });

  it("counts the messages of a batch, and lets one larger than the bucket pass when that is full", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, messagesPerSecond: 5 } });
    const client = hub.connect();
    const batch = { messages: Array.from({ length: 25 }, () => ({ data: 1 })) };

    const first = publish(hub, client, batch);
    const second = publish(hub, client, { data: 1 });
    hub.runtime.advance(second.details["retryAfterMs"] as number);
    const third = publish(hub, client, { data: 1 });

    expect([first.op, second.details["retryAfterMs"], third.offset]).toEqual(["published", 3_200, 25]);
  });

  it("counts bytes of data, key and headers", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, bytesPerSecond: 100 } });
    const client = hub.connect();

    const first = publish(hub, client, { data: "x".repeat(98), key: "k".repeat(100) });
    const second = publish(hub, client, { data: 1 });
    hub.runtime.advance(second.details["retryAfterMs"] as number);
    const third = publish(hub, client, { data: 1 });

    expect([first.op, second.details["retryAfterMs"], third.offset]).toEqual(["published", 10, 1]);
  });

  it("is each connection's own", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, messagesPerSecond: 0.5 } });
    const [one, other] = [hub.connect(), hub.connect()];

    const replies = [publish(hub, one, { data: 1 }), publish(hub, one, { data: 1 }), publish(hub, other, { data: 1 })];

    expect(replies.map(({ op }) => op)).toEqual(["published", "error", "published"]);
  });

  it("changes for connections that are open", async () => {
    await using hub = await startInProcess();
    const client = hub.connect();
    for (let n = 0; n < 100; n++) publish(hub, client, { data: 1 });

    hub.sessions.configure({ rates: { ...NONE, messagesPerSecond: 1 } });
    const limited = [1, 2, 3].map(() => publish(hub, client, { data: 1 }).op);
    hub.sessions.configure({ rates: NONE });

    expect(limited).toEqual(["published", "published", "error"]);
    expect(publish(hub, client, { data: 1 }).op).toBe("published");
  });

  it("isn't used up by publishes that are refused for another reason, so that a large one has its turn", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, messagesPerSecond: 1, requestsPerSecond: 10 } });
    const client = hub.connect();
    const producer = (sequence: number) => ({ producer: { id: "p", sequence } });
    const large = { messages: [{ data: 1 }, { data: 2 }], ...producer(1) };
    publish(hub, client, { data: 0, ...producer(0) });

    const refused = publish(hub, client, large);
    const ahead = publish(hub, client, { data: 3, ...producer(2) });
    hub.runtime.advance(refused.details["retryAfterMs"] as number);
    const again = publish(hub, client, large);

    expect([refused.code, ahead.code, again.op]).toEqual(["rate_limited", "out_of_sequence", "published"]);
  });

  it("stops whoever is refused without end", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, requestsPerSecond: 5 } });
    const client = hub.connect();

    const codes = Array.from({ length: 13 }, () => publish(hub, client, { data: 1, topic: "a..b" }).code);

    expect(codes.slice(0, 10)).toEqual(new Array(10).fill("invalid_topic"));
    expect(codes.at(-1)).toBe("rate_limited");
  });
});

describe("the rate of requests that store nothing", () => {
  it("refuses one too many, malformed ones too, and takes it when it has waited as told", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, requestsPerSecond: 2 } });
    const client = hub.connect();

    const codes = [
      request(hub, client, { op: "ping" }).op,
      request(hub, client, { op: "subscribe", topic: 1 }).code,
      request(hub, client, { op: "fly" }).code,
      request(hub, client, { op: "topic", topic: "t" }).code,
    ];
    const malformed = request(hub, client, { op: "subscribe", topic: 1 });
    const refused = request(hub, client, { op: "ping" });
    hub.runtime.advance(refused.details["retryAfterMs"] as number);

    expect(codes).toEqual(["pong", "bad_request", "unknown_op", "unknown_topic"]);
    expect(malformed).toMatchObject({ code: "rate_limited", details: { retryAfterMs: 500 } });
    expect(refused.code).toBe("rate_limited");
    expect(request(hub, client, { op: "ping" }).op).toBe("pong");
  });

  it("doesn't hold publishes up", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, requestsPerSecond: 1 } });
    const client = hub.connect();
    for (let n = 0; n < 3; n++) request(hub, client, { op: "ping" });

    expect(publish(hub, client, { data: 1 }).op).toBe("published");
  });

  it("delays acknowledgements without id, so that no credit is lost", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, requestsPerSecond: 5 } });
    const client = hub.connect();
    publish(hub, client, { messages: Array.from({ length: 100 }, (_, data) => ({ data })) });
    const { subscription } = request(hub, client, { op: "subscribe", topic: "t", from: "earliest", window: 10 });
    const received = (): number =>
      client
        .take()
        .filter(({ op }) => op === "messages")
        .reduce((sum, { messages }) => sum + messages.length, 0);
    const first = received();

    for (let offset = 0; offset < 10; offset++) client.ask({ op: "ack", subscription, offset });
    hub.runtime.settle();
    const atOnce = received();
    hub.runtime.advance(1_000);
    const later = received();

    expect([first, atOnce, later]).toEqual([10, 9, 1]);
  });

  it("answers acknowledgements with id, and those for more partitions than it keeps", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, requestsPerSecond: 1 } });
    const client = hub.connect();
    const { subscription } = request(hub, client, { op: "subscribe", pattern: "t.*", window: 10 });
    request(hub, client, { op: "ping" });

    const named = request(hub, client, { op: "ack", subscription, topic: "t.a", offset: 0 });
    for (let n = 0; n <= 1_000; n++) client.ask({ op: "ack", subscription, topic: `t.${n}`, offset: 0 });
    hub.runtime.settle();
    const [silent, ...others] = client.take();

    expect(named.code).toBe("rate_limited");
    expect(silent).toMatchObject({ op: "error", code: "rate_limited", subscription, partition: 0, offset: 0 });
    expect(others).toEqual([]);
  });

  it("forgets a delayed acknowledgement when its subscription ends", async () => {
    await using hub = await startInProcess({}, { rates: { ...NONE, requestsPerSecond: 1 } });
    const client = hub.connect();
    const { subscription } = request(hub, client, { op: "subscribe", topic: "t" });
    request(hub, client, { op: "ping" });
    client.ask({ op: "ack", subscription, offset: 0 });

    hub.sessions.configure({ rates: { ...NONE, requestsPerSecond: 100 } });
    hub.runtime.now += 100;
    const reply = request(hub, client, { op: "unsubscribe", subscription });
    hub.runtime.advance(5_000);

    expect(reply.op).toBe("unsubscribed");
    expect(client.take()).toEqual([]);
  });
});

function publish(hub: InProcessHub, client: FakeClient, fields: object) {
  return request(hub, client, { op: "publish", topic: "t", ...fields });
}

function request(hub: InProcessHub, client: FakeClient, fields: object) {
  client.ask({ id: "r", ...fields });
  hub.runtime.settle();
  const at = client.frames.findIndex(({ id }) => id === "r");
  const [reply] = client.frames.splice(at, 1);
  if (reply === undefined) throw new Error("No reply came");
  return reply;
}
