import { describe, expect, it } from "vitest";
import { startHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { sharedHub } from "../support/shared-hub.js";

const TOKEN = "a-secret-of-at-least-thirty-two-bytes";
const args = ["--token", TOKEN];

describe("a hub with a token", () => {
  const hub = sharedHub({ args });

  it("takes it from the Authorization header", async () => {
    await using client = await JsonClient.connect(hub.wsUrl, { headers: { Authorization: `Bearer ${TOKEN}` } });

    expect((await client.request({ op: "publish", topic: "t", data: 1 })).op).toBe("published");
  });

  it("takes it as a subprotocol and never echoes it", async () => {
    await using client = await JsonClient.connect(hub.wsUrl, { protocols: ["ringcast.v1.json", `bearer.${TOKEN}`] });

    expect(client.socket.protocol).toBe("ringcast.v1.json");
    expect((await client.request({ op: "publish", topic: "t", data: 1 })).op).toBe("published");
  });

  it("takes it in a first auth, and carries out nothing but auth and ping before", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    const early = await client.request({ op: "subscribe", topic: "t" });
    const malformed = await client.request({ op: "publish", topic: 7 });
    client.send({ op: "ack", subscription: 1, partition: 2, offset: 3 });
    const ack = await client.next();
    const pong = await client.request({ op: "ping" });
    const reply = await client.request({ op: "auth", token: TOKEN });
    const late = await client.request({ op: "subscribe", topic: "t" });

    expect([early.code, malformed.code]).toEqual(["unauthorized", "unauthorized"]);
    expect(ack).toMatchObject({ code: "unauthorized", subscription: 1, partition: 2, offset: 3 });
    expect(pong.op).toBe("pong");
    expect(reply).toMatchObject({ op: "authenticated", subject: expect.any(String) as string, expires: null });
    expect(late.op).toBe("subscribed");
  });

  it("closes with 4401 who gives none in time", async () => {
    await using hub = await startHub({ args: [...args, "--auth-timeout-ms", "300"] });
    await using client = await JsonClient.connect(hub.wsUrl);

    expect(await client.next()).toMatchObject({ op: "error", code: "unauthorized" });
    expect((await client.closed).code).toBe(4401);
  });
});

describe("a hub without a token", () => {
  it("lets anybody authenticate", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);

    expect(await client.request({ op: "auth", token: "whatever" })).toMatchObject({
      op: "authenticated",
      expires: null,
    });
  });
});
