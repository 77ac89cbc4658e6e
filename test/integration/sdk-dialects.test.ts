/** The SDK in both dialects against one hub: what goes in by one comes out by the other. */
import * as binary from "@ringcast/client";
import * as json from "@ringcast/client/json";
import fc from "fast-check";
import { WebSocket as WebSocketOf } from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../support/hub.js";

const DIALECTS = { binary, json } as const;
const PAIRS = [
  ["binary", "json"],
  ["json", "binary"],
  ["binary", "binary"],
  ["json", "json"],
] as const;

let node: TestHub;
beforeAll(async () => {
  node = await startHub();
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

/** Publishes in one dialect and reads in another. */
async function through(writer: keyof typeof DIALECTS, reader: keyof typeof DIALECTS, topic: string, all: unknown[]) {
  await using from = DIALECTS[writer].connect(node.wsUrl);
  await using to = DIALECTS[reader].connect(node.wsUrl);
  await from.publishMany(
    topic,
    all.map((data) => ({ data, key: "ключ", headers: { "x-header": "€" } })),
  );
  const seen: unknown[] = [];
  for await (const message of to.subscribe(topic, { from: "earliest", until: "head" })) {
    expect(message).toMatchObject({ key: "ключ", headers: { "x-header": "€" } });
    seen.push(message.data);
  }
  const page = await to.history(topic, { limit: 1_000 });
  expect(page.messages.map(({ data }) => data)).toEqual(seen);
  return seen;
}

/** What JSON can say, and bytes. */
const anyData = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, 0, -1, 2 ** 31, 2 ** 53 - 1, -(2 ** 53 - 1), 1e300, 5e-324, "", "__proto__"),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.string({ unit: "binary" }).filter((text) => !/\p{Surrogate}/u.test(text)),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: "grapheme", minLength: 1 }), tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

describe.each(PAIRS)("data published in %s and read in %s", (writer, reader) => {
  it("is the same: numbers, texts, bytes, nesting, keys", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyData, { minLength: 1, maxLength: 20 }), async (all) => {
        expect(await through(writer, reader, `same.${writer}.${reader}.${run++}`, all)).toEqual(all);
      }),
      { numRuns: 6 },
    );
  });
});

describe("what only one dialect can say", () => {
  const date = new Date("2026-11-21T12:00:00.123Z");
  const big = 2n ** 60n + 1n;

  it("comes out of the binary dialect as what it was", async () => {
    const data = { date, big, nan: NaN, bytes: Uint8Array.of(1), absent: undefined, list: [undefined] };
    const [seen] = await through("binary", "binary", "own.binary", [data]);
    expect(seen).toEqual({ date, big, nan: NaN, bytes: Uint8Array.of(1), list: [null] });
  });

  it("reaches JSON readers in its nearest form", async () => {
    const [seen] = await through("binary", "json", "own.json", [{ date, big, nan: NaN, list: [undefined] }]);
    expect(seen).toEqual({ date: date.toISOString(), big: Number(big), nan: null, list: [null] });
  });

  it("is refused where it has no form at all", async () => {
    await using from = json.connect(node.wsUrl, { timeoutMs: 3_000 });
    await using to = binary.connect(node.wsUrl, { timeoutMs: 3_000 });
    await expect(from.publish("none", big)).rejects.toMatchObject({ code: "bad_request" });
    for (const hub of [from, to]) {
      await expect(hub.publish("none", undefined)).rejects.toMatchObject({ details: { field: "data" } });
      await expect(hub.publish("a..b", 1)).rejects.toMatchObject({ code: "invalid_topic" });
      await expect(hub.publish("é".repeat(200), 1)).rejects.toMatchObject({ code: "invalid_topic" });
      await expect(hub.publish("t", 1, { durability: "replicated" })).rejects.toMatchObject({ code: "bad_request" });
    }
  });
});

describe.each(Object.keys(DIALECTS) as (keyof typeof DIALECTS)[])("in the %s dialect", (dialect) => {
  const { connect } = DIALECTS[dialect];

  it("gets what a filter wants, up to the heads of the request, and then ends", async () => {
    await using hub = connect(node.wsUrl);
    const topic = `filtered.${dialect}`;
    await hub.publishMany(
      topic,
      Array.from({ length: 300 }, (_, n) => ({ data: n, key: `k${n % 3}`, headers: { odd: String(n % 2) } })),
    );
    const filter = { keys: ["k0", "k1"], headers: { odd: ["1"] } };
    const subscription = hub.subscribe<string>(topic, { from: "earliest", until: "head", filter });
    await subscription.ready;
    await hub.publish(topic, 300, { key: "k0", headers: { odd: "1" } });
    const seen: number[] = [];
    for await (const { data, lag } of subscription) {
      expect(lag).toBeGreaterThanOrEqual(0);
      seen.push(data as number);
    }
    const wanted = Array.from({ length: 300 }, (_, n) => n).filter((n) => n % 3 !== 2 && n % 2 === 1);
    expect(seen).toEqual(wanted);
    expect(subscription.position).toMatchObject({ positions: { 0: { offset: 300 } } });
    const page = await hub.history(topic, { filter, until: { offset: 10 } });
    expect(page.messages.map(({ data }) => data)).toEqual(wanted.filter((n) => n < 10));
  });
});

/** The platform's transport, but for one bit of the data in each delivery that `isBad` chooses. */
function flipping(isBad: (delivery: number) => boolean): binary.Transport {
  let deliveries = 0;
  return (url, subprotocol, handler) => {
    const socket = new WebSocketOf(url, subprotocol);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      const bytes = new Uint8Array(data as ArrayBuffer);
      const last = bytes.lastIndexOf("!".charCodeAt(0));
      if (bytes[0] === 0xc1 && isBad(deliveries++)) bytes[last] = (bytes[last] as number) ^ 1;
      handler.received(bytes);
    };
    socket.onclose = ({ code, reason }) => handler.closed(code, reason);
    return { send: (data) => socket.send(data), close: () => socket.close() };
  };
}

describe("verification", () => {
  it("hands out nothing damaged: tells of it, and reads again", async () => {
    await using writer = binary.connect(node.wsUrl);
    await writer.publishMany("damaged", [{ data: "a!" }, { data: "b!" }, { data: "c!" }]);
    await using hub = binary.connect(node.wsUrl, { verify: true, transport: flipping((n) => n < 2) });
    const errors: unknown[] = [];
    hub.on("error", (error) => errors.push(error));
    const seen: unknown[] = [];
    for await (const { data } of hub.subscribe("damaged", { from: "earliest", until: "head" })) seen.push(data);
    expect(seen).toEqual(["a!", "b!", "c!"]);
    const damage = { code: "bad_frame", details: { topic: "damaged", partition: 0, offset: 2 } };
    expect(errors).toMatchObject([damage, damage]);
  });

  it("ends a subscription whose record comes damaged three times in a row, and no other", async () => {
    await using writer = binary.connect(node.wsUrl);
    await writer.publish("broken", "a!");
    await using hub = binary.connect(node.wsUrl, { verify: true, transport: flipping(() => true) });
    const subscription = hub.subscribe("broken", { from: "earliest" });
    await expect(subscription[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "bad_frame" });
    expect((await hub.topic("broken")).partitions[0]?.head).toBe(1);
  });
});

describe("debugging", () => {
  it("is told what passes, and never a token or what is published", async () => {
    await using hub = await startHub({ args: ["--token", "very-secret-token-of-the-hub-0123"] });
    const lines: string[] = [];
    const debug = (event: binary.DebugEvent) => lines.push(JSON.stringify(event));
    await using client = binary.connect(hub.wsUrl, { token: "very-secret-token-of-the-hub-0123", debug });
    await client.publish("t", "private");
    expect(lines.map((line) => /"op":"(\w+)"/.exec(line)?.[1] ?? /"type":"(\w+)"/.exec(line)?.[1])).toEqual(
      expect.arrayContaining(["dialing", "welcome", "auth", "publish", "published"]),
    );
    expect(lines.join("")).not.toMatch(/secret|private/);
  });
});
