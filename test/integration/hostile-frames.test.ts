import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";

let hub: TestHub;
let bystander: JsonClient;
beforeAll(async () => {
  hub = await startHub();
  bystander = await JsonClient.connect(hub.wsUrl);
});
afterAll(async () => {
  await bystander[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});

const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

describe("a frame that can't be understood", () => {
  it.each([
    ["half an object", "{", 1007],
    ["nothing", "", 1007],
    ["two values", `{"op":"ping","id":1}{}`, 1007],
    ["a million brackets", "[".repeat(1_000_000), 1007],
    ["a string", `""`, 1008],
    ["a list", "[]", 1008],
    ["null", "null", 1008],
    ["a number", "1", 1008],
    ["no op", `{"id":1}`, 1008],
    ["an op that is no string", `{"op":1,"id":1}`, 1008],
  ])("(%s) is told and ends the connection", async (_name, frame, code) => {
    await using client = await JsonClient.connect(hub.wsUrl);

    client.send(frame);
    const error = await client.next();

    expect(error).toMatchObject({ op: "error", code: "bad_frame" });
    expect(error).not.toHaveProperty("id");
    expect((await client.closed).code).toBe(code);
  });

  it("(binary) is told and ends the connection", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    client.socket.send(Buffer.from(`{"op":"ping","id":1}`), { binary: true });

    expect(await client.next()).toMatchObject({ op: "error", code: "bad_frame" });
    expect((await client.closed).code).toBe(1008);
  });

  it("(over maxFrameBytes) is told and ends the connection with 1009", async () => {
    await using client = await JsonClient.connect(hub.wsUrl);

    client.send(`{"op":"publish","id":1,"topic":"t","data":"${"x".repeat(4_194_304)}"}`);

    expect(await client.next()).toMatchObject({ op: "error", code: "too_large" });
    expect((await client.closed).code).toBe(1009);
  });
});

describe("a request that is refused", () => {
  const publish = (rest: string): string => `{"op":"publish","id":"x","topic":"hostile",${rest}}`;
  const subscribe = (rest: string): string => `{"op":"subscribe","id":"x","topic":"hostile",${rest}}`;
  it.each([
    ["an unknown op", `{"op":"fly","id":"x"}`, "unknown_op"],
    ["constructor", `{"op":"constructor","id":"x"}`, "unknown_op"],
    ["__proto__", `{"op":"__proto__","id":"x"}`, "unknown_op"],
    ["toString", `{"op":"toString","id":"x"}`, "unknown_op"],
    ["settle", `{"op":"settle","id":"x","subscription":1}`, "unknown_op"],
    ["nesting of 129", publish(`"data":${deep(129)}`), "bad_request"],
    ["nesting of 5,000", publish(`"data":${deep(5_000)}`), "bad_request"],
    ["a number as topic", `{"op":"publish","id":"x","topic":1,"data":1}`, "bad_request"],
    ["an object as topic", `{"op":"publish","id":"x","topic":{"toString":"a"},"data":1}`, "bad_request"],
    ["no data", publish(`"key":"a"`), "bad_request"],
    ["a negative partition", publish(`"data":1,"partition":-1`), "bad_request"],
    ["half a partition", publish(`"data":1,"partition":1.5`), "bad_request"],
    ["a partition as text", publish(`"data":1,"partition":"0"`), "bad_request"],
    ["a huge partition", publish(`"data":1,"partition":1000000000`), "bad_request"],
    ["null as key", publish(`"data":1,"key":null`), "bad_request"],
    ["a number as key", publish(`"data":1,"key":1`), "bad_request"],
    ["a key of 64 kB", publish(`"data":1,"key":"${"k".repeat(65_536)}"`), "bad_request"],
    ["a lone surrogate as key", publish(`"data":1,"key":"\\ud800"`), "bad_request"],
    ["a lone surrogate as topic", `{"op":"publish","id":"x","topic":"\\ud800","data":1}`, "invalid_topic"],
    ["headers with an object", publish(`"data":1,"headers":{"a":{}}`), "bad_request"],
    ["1,000 headers", publish(`"data":1,"headers":{${many(1_000)}}`), "bad_request"],
    ["a header of 64 kB", publish(`"data":1,"headers":{"a":"${"v".repeat(65_536)}"}`), "bad_request"],
    ["the hub's header", publish(`"data":1,"headers":{"ringcast-x":"1"}`), "bad_request"],
    ["no messages", publish(`"messages":[]`), "bad_request"],
    ["messages and data", publish(`"messages":[{"data":1}],"data":1`), "bad_request"],
    ["bad base64", publish(`"data":{"$bytes":"%%%"}`), "bad_request"],
    ["a number as base64", publish(`"data":{"$bytes":1}`), "bad_request"],
    ["durability maybe", publish(`"data":1,"durability":"maybe"`), "bad_request"],
    ["durability replicated", publish(`"data":1,"durability":"replicated"`), "bad_request"],
    ["sequence -1", publish(`"data":1,"producer":{"id":"p","sequence":-1}`), "bad_request"],
    ["sequence 2^53", publish(`"data":1,"producer":{"id":"p","sequence":9007199254740992}`), "bad_request"],
    ["a long producer id", publish(`"data":1,"producer":{"id":"${"p".repeat(10_000)}","sequence":0}`), "bad_request"],
    ["group", subscribe(`"group":"g"`), "bad_request"],
    ["queue", subscribe(`"queue":"q"`), "bad_request"],
    ["a regular expression as filter", subscribe(`"filter":{"regex":"(a+)+$"}`), "bad_request"],
    ["10,000 keys", subscribe(`"filter":{"keys":[${'"k",'.repeat(9_999)}"k"]}`), "bad_request"],
    ["until tomorrow", subscribe(`"until":"tomorrow"`), "bad_request"],
    ["history without limit", `{"op":"history","id":"x","topic":"t","from":"earliest","limit":0}`, "bad_request"],
    [
      "history of a billion",
      `{"op":"history","id":"x","topic":"t","from":"earliest","limit":1000000000}`,
      "bad_request",
    ],
    ["a path as topic", `{"op":"publish","id":"x","topic":"../../etc/passwd","data":1}`, "invalid_topic"],
    ["an empty level", `{"op":"publish","id":"x","topic":"a..b","data":1}`, "invalid_topic"],
    ["a line end in the topic", `{"op":"publish","id":"x","topic":"a\\nb","data":1}`, "invalid_topic"],
    ["a topic of 256 bytes", `{"op":"publish","id":"x","topic":"${"a".repeat(256)}","data":1}`, "invalid_topic"],
    ["a pattern with > inside", `{"op":"subscribe","id":"x","pattern":"a.>.b"}`, "invalid_topic"],
    ["a pattern with half a star", `{"op":"subscribe","id":"x","pattern":"a*"}`, "invalid_topic"],
  ])("(%s) is answered and leaves the connection open", async (_name, frame, code) => {
    bystander.send(frame);

    expect(await bystander.next()).toMatchObject({ op: "error", id: "x", code });
    expect((await bystander.request({ op: "ping" })).op).toBe("pong");
  });

  it.each([[""], [`"id":-1,`], [`"id":1.5,`], [`"id":9007199254740992,`], [`"id":"${"i".repeat(65)}",`], [`"id":{},`]])(
    "(with %s as id) is answered without one",
    async (id) => {
      bystander.send(`{"op":"ping",${id}"x":0}`);
      const error = await bystander.next();

      expect(error).toMatchObject({ op: "error", code: "bad_request", details: { field: "id" } });
      expect(error).not.toHaveProperty("id");
    },
  );

  it("stores nothing", async () => {
    expect((await bystander.request({ op: "topic", topic: "hostile" })).code).toBe("unknown_topic");
  });

  it("changes no prototype", async () => {
    await bystander.request({ op: "publish", topic: "proto", data: 1, headers: JSON.parse(`{"__proto__":"x"}`) });
    bystander.send(
      `{"op":"publish","id":"p","topic":"__proto__","data":{"__proto__":{"admin":true}},"__proto__":{"a":1}}`,
    );
    expect(await bystander.next()).toMatchObject({ op: "published", topic: "__proto__" });

    const reply = await bystander.request({ op: "subscribe", pattern: "__proto__", from: "earliest" });
    const frame = await bystander.next();

    expect(Object.hasOwn(reply.topics, "__proto__")).toBe(true);
    expect(frame).toMatchObject({ op: "messages", topic: "__proto__" });
    await bystander.request({ op: "unsubscribe", subscription: reply.subscription });
  });

  it("a million times costs no memory and no bystander", { timeout: 60_000 }, async () => {
    await using client = await JsonClient.connect(hub.wsUrl);
    const { subscription } = await client.request({ op: "subscribe", topic: "acks" });

    for (let n = 0; n < 20_000; n++) client.send({ op: "ack", subscription, offset: 5 });
    let errors = 0;
    while (errors < 20_000) if ((await client.next()).code === "invalid_offset") errors += 1;

    expect((await bystander.request({ op: "ping" })).op).toBe("pong");
  });
});

function many(count: number): string {
  return Array.from({ length: count }, (_, n) => `"h${n}":"v"`).join(",");
}
