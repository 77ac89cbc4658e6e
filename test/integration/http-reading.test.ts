import { pack } from "msgpackr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { EventReader } from "../support/event-reader.js";
import { startHub, type TestHub } from "../support/hub.js";
import { ask, askJson, type HttpAnswer } from "../support/http-request.js";
import { MSGPACK_WIRE } from "../support/binary-client.js";
import { until, within } from "../support/until.js";

const RECORDS = { "Content-Type": "application/vnd.ringcast.records" };

describe("reading over HTTP", () => {
  let hub: TestHub;
  let times: number[] = [];
  beforeAll(async () => {
    hub = await startHub();
    const keys = ["a", "b", "a", "c", "b", "a"];
    for (const [n, key] of keys.entries()) {
      const headers = { type: n % 2 === 0 ? "even" : "odd" };
      const { json } = await askJson(hub, "POST", "/v1/topics/six/messages", { data: n, key, headers });
      times.push(json["timestamp"] as number);
      await until("the next millisecond", () => Date.now() > (json["timestamp"] as number));
    }
  });
  afterAll(async () => {
    times = [];
    await hub[Symbol.asyncDispose]();
  });

  const filterOf = (filter: object): string => `filter=${encodeURIComponent(JSON.stringify(filter))}`;
  const page = (query: string): Promise<HttpAnswer> => ask(hub, `/v1/topics/six/messages?${query}`);
  const dataOf = ({ json }: HttpAnswer): unknown[] => (json["messages"] as { data: unknown }[]).map(({ data }) => data);
  const events = (query: string) => EventReader.open(`${hub.url}/v1/topics/six/events?${query}`);

  it("begins at a time or with the newest, and ends where it is told to", async () => {
    expect(dataOf(await page(`from=time:${times[4]}`))).toEqual([4, 5]);
    expect(dataOf(await page("from=last:2"))).toEqual([4, 5]);
    expect(dataOf(await page("from=1&until=3"))).toEqual([1, 2]);
    expect(dataOf(await page(`until=time:${times[2]}`))).toEqual([0, 1]);
    expect(dataOf(await page("from=4&until=head"))).toEqual([4, 5]);
  });

  it("leaves out what the filter doesn't want, and goes on behind it", async () => {
    const { json } = await page(filterOf({ keys: ["a"], headers: { type: ["even"] } }));
    expect((json["messages"] as { offset: number }[]).map(({ offset }) => offset)).toEqual([0, 2]);
    expect([json["next"], json["head"]]).toEqual([6, 6]);
    expect(dataOf(await page(`limit=1&from=1&${filterOf({ keys: ["b", "c"] })}`))).toEqual([1]);
  });

  it.each([
    ["until=latest", "invalid_offset"],
    ["filter=x", "bad_request"],
    ["filter=%7B%7D", "bad_request"],
    ["filter=%7B%22keys%22%3A%5B%22a%22%5D%7D&filter=1", "bad_request"],
  ])("refuses ?%s, as a page and as a stream", async (query, code) => {
    for (const kind of ["messages", "events"]) {
      const answer = await ask(hub, `/v1/topics/six/${kind}?${query}`);
      expect([answer.status, answer.json["code"]]).toEqual([400, code]);
    }
  });

  it("refuses an epoch beside a start that has no offset", async () => {
    const answer = await page("from=last:2&epoch=a");
    expect([answer.status, answer.json["details"]]).toEqual([400, { field: "epoch" }]);
  });

  it("ends a stream behind what was asked for, with an id to go on from", async () => {
    using stream = await events(`from=earliest&until=5&${filterOf({ keys: ["a", "b"] })}`);
    const offsets = (await stream.messages(4)).map(({ offset }) => offset);
    const last = await stream.next();
    await until("the answer is over", () => stream.ended);
    expect(offsets).toEqual([0, 1, 2, 4]);
    expect([last.event, last.data]).toEqual(["ended", "{}"]);
    expect(last.id).toMatch(/^0\..+\.5$/);
  });

  it("ends a stream at once where there is nothing to come", async () => {
    using stream = await events("until=head");
    expect((await stream.next()).event).toBe("ended");
    await until("the answer is over", () => stream.ended);
  });

  it("takes msgpack, shows it as JSON, and refuses what isn't a whole value", async () => {
    const post = (body: Uint8Array) =>
      ask(hub, "/v1/topics/packed/messages", {
        method: "POST",
        headers: { "Content-Type": "application/msgpack", "Ringcast-Key": "k" },
        body,
      });
    expect((await post(pack({ n: 1, list: [true, null, "é"] }))).status).toBe(201);
    expect((await post(Buffer.from([0xc4, 2, 1, 2]))).status).toBe(201);
    expect((await ask(hub, "/v1/topics/packed/messages")).json["messages"]).toMatchObject([
      { key: "k", data: { n: 1, list: [true, null, "é"] } },
      { key: "k", data: { $bytes: "AQI=" } },
    ]);
    for (const body of [Buffer.alloc(0), Buffer.from([0x01, 0x02]), Buffer.from([0xc1]), Buffer.from([0xd4, 5, 0])]) {
      const answer = await post(body);
      expect([answer.status, answer.json["code"]]).toEqual([400, "bad_request"]);
    }
  });

  it("puts records back at their own offsets, epoch and times", async () => {
    const frame = await deliveryOf(hub, "six");
    const put = (topic: string, partition: string, headers: Readonly<Record<string, string>> = RECORDS) =>
      ask(hub, `/v1/topics/${topic}/partitions/${partition}/records`, { method: "POST", headers, body: frame });
    const epoch = (await page("limit=1")).json["epoch"];
    const restored = await put("copy", "0");
    expect([restored.status, restored.json]).toEqual([201, { epoch, head: 6 }]);
    const copy = await ask(hub, "/v1/topics/copy/messages");
    expect(copy.json).toEqual((await page("")).json);
    const again = await put("copy", "0");
    expect([again.status, again.json["code"], again.json["details"]]).toEqual([409, "conflict", { epoch, head: 6 }]);
    expect((await put("copy", "x")).json["details"]).toEqual({ field: "partition" });
    expect((await put("other", "0", { "Content-Type": "application/json" })).status).toBe(415);
    expect((await ask(hub, "/v1/topics/copy/partitions/0/records")).status).toBe(405);
  });
});

/** The first delivery of a topic, byte for byte as the binary dialect has it. */
async function deliveryOf(hub: TestHub, topic: string): Promise<Buffer> {
  const socket = new WebSocket(hub.wsUrl, "ringcast.v1.msgpack");
  const frame = new Promise<Buffer>((resolve) => {
    socket.on("message", (bytes: Buffer) => {
      if (bytes[0] === 0xc1) resolve(bytes);
    });
  });
  socket.once("open", () => socket.send(MSGPACK_WIRE.encode({ op: "subscribe", id: 1, topic, from: "earliest" })));
  try {
    return await within("the delivery", frame);
  } finally {
    socket.terminate();
  }
}
