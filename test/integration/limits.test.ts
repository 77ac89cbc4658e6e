/** Limits that protect the hub, each at what it allows and one past it. Those of connections and streams, and the times, are in test/hostile. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "@ringcast/client";
import { describe, expect, it } from "vitest";
import { ask, askJson, type HttpAnswer } from "../support/http-request.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { sharedHub } from "../support/shared-hub.js";

/** With no limit but those that hold by themselves. */
const hub = sharedHub();

describe("connections of one address", () => {
  it("on loopback are not limited unless that is set", async () => {
    const clients = await Promise.all(Array.from({ length: 1_100 }, () => JsonClient.connect(hub.wsUrl)));

    expect((await clients.at(-1)?.request({ op: "ping" }))?.op).toBe("pong");

    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  });
});

// Each has a hub with a limit of its own, and waits until its rate allows more.
describe.concurrent("publishing", () => {
  it.each([
    ["messages", ["--max-publish-rate", "1"], { data: 1 }],
    ["bytes", ["--max-publish-bytes-rate", "1000"], { data: "x".repeat(998) }],
  ])(
    "of more %s than the rate is refused, stores nothing, and passes after retryAfterMs",
    async (_unit, args, message) => {
      await using hub = await startHub({ args });
      await using client = await JsonClient.connect(hub.wsUrl);
      const publish = () => client.request({ op: "publish", topic: "t", ...message });

      const replies = [await publish(), await publish(), await publish()];
      const { topic } = await client.request({ op: "topic", topic: "t" });
      const retryAfterMs = replies[2]?.details["retryAfterMs"] as number;
      await sleep(retryAfterMs);
      const again = await publish();

      expect(replies.map(({ op }) => op)).toEqual(["published", "published", "error"]);
      expect(replies[2]?.code).toBe("rate_limited");
      expect(retryAfterMs).toBeGreaterThan(0);
      expect(retryAfterMs).toBeLessThanOrEqual(1_000);
      expect(topic.partitions[0]?.head).toBe(2);
      expect(again).toMatchObject({ op: "published", offset: 2 });
    },
  );

  it("of more than the rate over HTTP is refused whatever the connection, stores nothing, and passes after retryAfterMs", async () => {
    await using hub = await startHub({ args: ["--max-publish-rate", "1"] });
    const publish = () => askJson(hub, "POST", "/v1/topics/t/messages", { data: 1 });

    const answers = [await publish(), await publish(), await publish()];
    const retryAfterMs = (answers[2]?.json["details"] as { retryAfterMs: number }).retryAfterMs;
    await sleep(retryAfterMs);
    const again = await publish();

    expect(answers.map(({ status }) => status)).toEqual([201, 201, 429]);
    expect(answers[2]?.json["code"]).toBe("rate_limited");
    expect(Number(answers[2]?.headers["retry-after"])).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(1_000);
    expect([again.status, again.json["offset"]]).toEqual([201, 2]);
  });

  it("through the SDK waits for the rate: everything is stored once and in order", async () => {
    await using hub = await startHub({ args: ["--max-publish-rate", "200", "--max-request-rate", "50"] });
    await using publisher = connect(hub.wsUrl);
    const count = 600;

    const begin = performance.now();
    const stored = await Promise.all(Array.from({ length: count }, (_, n) => publisher.publish("t", n)));
    const tookMs = performance.now() - begin;

    expect(stored.map(({ offset }) => offset)).toEqual(Array.from({ length: count }, (_, n) => n));
    expect((await contents(hub, "t")).map(({ data }) => data)).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(tookMs).toBeGreaterThan(900);
  });
});

describe("requests that store nothing", () => {
  it("are refused beyond maxRequestRate, but acknowledgements without id only wait", async () => {
    await using hub = await startHub({ args: ["--max-request-rate", "20"] });
    await using client = await JsonClient.connect(hub.wsUrl);
    const count = 200;
    const messages = Array.from({ length: count }, (_, data) => ({ data }));
    await client.request({ op: "publish", topic: "t", messages });
    const { subscription } = await client.request({ op: "subscribe", topic: "t", from: "earliest", window: 50 });

    const offsets: number[] = [];
    while (offsets.length < count) {
      const frame = await client.nextOf("messages");
      for (const { offset } of frame.messages) {
        offsets.push(offset);
        client.send({ op: "ack", subscription, offset });
      }
    }
    for (let id = 0; id < 100; id++) client.send({ op: "ping", id: `p${id}` });
    const replies = [];
    while (replies.length < 100) replies.push(await client.next());
    const refused = replies.filter(({ code }) => code === "rate_limited");

    expect(offsets).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(refused.length).toBeGreaterThan(50);
    for (const { details } of refused) expect(details["retryAfterMs"]).toBeGreaterThan(0);
  });
});

describe("sizes", () => {
  it("of a WebSocket message are allowed up to maxFrameBytes", async () => {
    await using hub = await startHub({ args: ["--max-frame-bytes", "2048"] });
    await using client = await JsonClient.connect(hub.wsUrl);
    const ping = (bytes: number): string => `{"op":"ping","id":1,"x":"${"x".repeat(bytes - 27)}"}`;

    client.send(ping(2_048));
    const allowed = await client.next();
    client.send(ping(2_049));
    const refused = await client.next();

    expect([ping(2_048).length, allowed.op]).toEqual([2_048, "pong"]);
    expect(refused).toMatchObject({ op: "error", code: "too_large", details: { limit: 2_048 } });
    expect((await client.closed).code).toBe(1009);
  });

  it("of an HTTP body are allowed up to maxBodyBytes", async () => {
    await using hub = await startHub({ args: ["--max-body-bytes", "2048"] });
    const publish = (bytes: number): Promise<HttpAnswer> =>
      askJson(hub, "POST", "/v1/topics/t/messages", `{"data":"${"x".repeat(bytes - 11)}"}`);

    const [allowed, refused] = [await publish(2_048), await publish(2_049)];

    expect([allowed.status, refused.status, refused.json["code"]]).toEqual([201, 413, "too_large"]);
    expect(refused.json["details"]).toEqual({ limit: 2_048 });
    expect(await contents(hub, "t")).toHaveLength(1);
  });

  it("of an HTTP body far over maxBodyBytes are still taken, so that their sender reads why they were refused", async () => {
    const body = Buffer.alloc(8_000_000, "x");
    const headers = { "Content-Type": "text/plain" };
    for (let n = 0; n < 5; n++) {
      const refused = await fetch(`${hub.url}/v1/topics/t/messages`, { method: "POST", headers, body });
      expect([refused.status, await refused.json()]).toEqual([413, expect.objectContaining({ code: "too_large" })]);
    }
  });

  it("of a header block are allowed up to maxHeaderBytes", async () => {
    // uWebSockets.js takes its limit from this variable: the setting goes before what happens to be in it.
    const env = { UWS_HTTP_MAX_HEADERS_SIZE: "16384" };
    await using hub = await startHub({ args: ["--max-header-bytes", "4096"], env });
    const withHeader = (bytes: number): Promise<HttpAnswer> =>
      ask(hub, "/healthz", { headers: { "X-Filler": "x".repeat(bytes) } });

    expect([(await withHeader(3_000)).status, (await withHeader(4_097)).status]).toEqual([200, 431]);
  });
});

async function contents(hub: TestHub, topic: string): Promise<readonly { readonly data: unknown }[]> {
  const { json } = await ask(hub, `/v1/topics/${topic}/messages?limit=1000`);
  return json["messages"] as { data: unknown }[];
}
