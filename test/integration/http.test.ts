import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestHub } from "../support/hub.js";
import { ask, askJson } from "../support/http-request.js";

describe("HTTP", () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startHub();
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });

  const publish = (topic: string, body: unknown) => askJson(hub, "POST", `/v1/topics/${topic}/messages`, body);

  describe("publish", () => {
    it("stores a JSON message and says where", async () => {
      const answer = await publish("single", { data: { a: [1, 2] }, key: "k", headers: { h: "v" } });
      expect(answer.status).toBe(201);
      expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
      expect(answer.json).toEqual({
        topic: "single",
        partition: 0,
        epoch: expect.stringMatching(/^[A-Za-z0-9_-]{1,32}$/) as unknown,
        offset: 0,
        timestamp: expect.any(Number) as unknown,
      });
      const page = await ask(hub, "/v1/topics/single/messages");
      expect(page.json["messages"]).toEqual([
        { offset: 0, timestamp: answer.json["timestamp"], key: "k", headers: { h: "v" }, data: { a: [1, 2] } },
      ]);
    });

    it("stores a batch and answers with offsets", async () => {
      await publish("batch", { data: 0 });
      const answer = await publish("batch", { messages: [{ data: 1 }, { data: 2 }] });
      expect(answer.status).toBe(201);
      expect(answer.json["offsets"]).toMatchObject([{ partition: 0, first: 1, count: 2 }]);
      expect(answer.json["offset"]).toBeUndefined();
    });

    it("stores a batch whole or not at all", async () => {
      const answer = await publish("whole", { messages: [{ data: 1 }, { key: "no data" }] });
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ code: "bad_request", details: { index: 1 } });
      expect((await ask(hub, "/v1/topics/whole/messages")).status).toBe(404);
    });

    it("answers a repeated producer sequence with the first reply", async () => {
      const body = { data: 1, producer: { id: "p", sequence: 0 } };
      const first = await publish("once", body);
      const second = await publish("once", body);
      expect(second.json).toEqual({ ...first.json, duplicate: true });
      const skipped = await publish("once", { data: 1, producer: { id: "p", sequence: 5 } });
      expect(skipped.status).toBe(409);
      expect(skipped.json).toMatchObject({ code: "out_of_sequence", details: { expected: 1 } });
    });

    it("waits for the storage device where synced is asked for", async () => {
      expect((await publish("durable", { data: 1, durability: "synced" })).status).toBe(201);
    });

    it.each([
      ["message", (n: number) => ({ data: n, durability: "synced" })],
      ["batch", (n: number) => ({ messages: [{ data: n }], durability: "synced" })],
    ])("gives each %s its own answer where one sync serves many", async (kind, body) => {
      const topic = `together.${kind}`;
      const numbers = Array.from({ length: 50 }, (_, n) => n);
      const answers = await Promise.all(numbers.map((n) => publish(topic, body(n))));
      const { messages } = (await ask(hub, `/v1/topics/${topic}/messages`)).json;
      const stored = (messages as { offset: number; data: number }[]).map(({ offset, data }) => [data, offset]);
      const offsetOf = ({ offset, offsets }: Record<string, unknown>) =>
        offset ?? (offsets as [{ first: number }])[0].first;
      expect(answers.map((answer, n) => [n, offsetOf(answer.json)])).toEqual(
        stored.sort(([left = 0], [right = 0]) => left - right),
      );
    });

    it("stores text and octets as they are, with the key of the header", async () => {
      const path = "/v1/topics/raw/messages";
      const text = { "Content-Type": "text/plain; charset=UTF-8", "Ringcast-Key": "a key" };
      expect((await ask(hub, path, { method: "POST", headers: text, body: "hällo\n" })).status).toBe(201);
      const octets = { "Content-Type": "application/octet-stream" };
      expect((await ask(hub, path, { method: "POST", headers: octets, body: Uint8Array.of(0, 255) })).status).toBe(201);
      const { messages } = (await ask(hub, path)).json;
      expect(messages).toMatchObject([{ key: "a key", data: "hällo\n" }, { data: { $bytes: "AP8=" } }]);
    });

    it("keeps numbers beyond 2^53 and spaces of JSON data byte for byte", async () => {
      await publish("exact", '{"data": [ 9007199254740993 , 1e400,-0 ]}');
      expect((await ask(hub, "/v1/topics/exact/messages")).text).toContain('"data":[ 9007199254740993 , 1e400,-0 ]}');
    });

    it.each([
      ["{", "bad_frame"],
      ["", "bad_frame"],
      ["[]", "bad_frame"],
      ['\ufeff{"data":1}', "bad_frame"],
      ['{"data":1} {}', "bad_frame"],
      ["{}", "bad_request"],
      ['{"data":1,"messages":[{"data":1}]}', "bad_request"],
      ['{"messages":[]}', "bad_request"],
      ['{"data":1,"partition":-1}', "bad_request"],
      ['{"data":1,"partition":7}', "bad_request"],
      ['{"data":1,"key":7}', "bad_request"],
      ['{"data":1,"key":null}', "bad_request"],
      ['{"data":1,"headers":{"ringcast-x":"y"}}', "bad_request"],
      ['{"data":1,"durability":"replicated"}', "bad_request"],
      ['{"data":1,"producer":{"id":"p","sequence":-1}}', "bad_request"],
      ['{"data":{"$bytes":"%%%"}}', "bad_request"],
      [`{"data":${"[".repeat(129)}${"]".repeat(129)}}`, "bad_request"],
    ])("refuses the body %j with %s", async (body, code) => {
      const answer = await publish("refused", body);
      expect(answer.status).toBe(400);
      expect(answer.json["code"]).toBe(code);
    });

    it("answers 413 to a message over the limit, by length and by chunks", async () => {
      const path = "/v1/topics/large/messages";
      const headers = { "Content-Type": "application/octet-stream" };
      const body = new Uint8Array(1_048_577);
      expect((await ask(hub, path, { method: "POST", headers, body })).json["code"]).toBe("too_large");
      const chunked = { ...headers, "Transfer-Encoding": "chunked" };
      expect((await ask(hub, path, { method: "POST", headers: chunked, body })).status).toBe(413);
      expect((await ask(hub, path, { method: "POST", headers, body: body.subarray(1) })).status).toBe(201);
    });

    it.each(["$hub.x", "%24hub.x"])("forbids to publish to the hub's own topic %s", async (topic) => {
      expect((await publish(topic, { data: 1 })).status).toBe(403);
    });
  });

  describe("history", () => {
    beforeAll(async () => {
      await publish("pages", { messages: Array.from({ length: 25 }, (_, data) => ({ data })) });
    });

    const page = (query: string) => ask(hub, `/v1/topics/pages/messages?${query}`);

    it("reads from the earliest on, in pages, until next equals head", async () => {
      const seen: unknown[] = [];
      for (let next = 0, head = 1; next < head;) {
        const { json } = await page(`from=${next}&limit=10`);
        seen.push(...(json["messages"] as { data: unknown }[]).map(({ data }) => data));
        next = json["next"] as number;
        head = json["head"] as number;
      }
      expect(seen).toEqual(Array.from({ length: 25 }, (_, data) => data));
      expect((await page("")).json).toMatchObject({
        next: 25,
        head: 25,
        tail: 0,
        epoch: expect.any(String) as unknown,
      });
    });

    it("has nothing at the latest", async () => {
      expect((await page("from=latest")).json).toMatchObject({ messages: [], next: 25, head: 25 });
    });

    it("tells a mismatch of the epoch as a gap", async () => {
      const { epoch } = (await page("")).json;
      expect((await page(`from=5&epoch=${String(epoch)}`)).json["gap"]).toBeUndefined();
      const { json } = await page("from=5&epoch=another");
      expect(json["gap"]).toEqual({ topic: "pages", partition: 0, from: 5, to: 5, reason: "epoch", epoch, next: 0 });
      expect((json["messages"] as { offset: number }[])[0]?.offset).toBe(0);
    });

    it("compares the epoch also from the earliest and the latest on", async () => {
      const { epoch, head } = (await page("")).json;
      const early = (await page("epoch=another")).json;
      const late = (await page("from=latest&epoch=another")).json;
      const same = (await page(`from=latest&epoch=${String(epoch)}`)).json;

      expect([early["gap"], late["gap"]]).toMatchObject([
        { from: 0, to: 0, reason: "epoch", next: 0 },
        { from: head, to: head, reason: "epoch", next: 0 },
      ]);
      expect([same["gap"], same["next"]]).toEqual([undefined, head]);
    });

    it("does not create the topic it is asked for", async () => {
      expect((await ask(hub, "/v1/topics/nobody/messages")).json["code"]).toBe("unknown_topic");
      expect((await ask(hub, "/v1/topics/nobody")).status).toBe(404);
    });
  });

  describe("topics", () => {
    it("creates, describes, changes and deletes", async () => {
      const path = "/v1/topics/made";
      const created = await askJson(hub, "PUT", path, { partitions: 2 });
      expect(created.status).toBe(201);
      expect(created.json).toMatchObject({
        name: "made",
        partitions: [
          { partition: 0, tail: 0, head: 0 },
          { partition: 1, tail: 0, head: 0 },
        ],
        config: { partitions: 2, storage: "file", capacityBytes: 16_777_216, durability: "stored" },
      });
      const changed = await askJson(hub, "PUT", path, { durability: "synced", unheardOf: 1 });
      expect(changed.status).toBe(200);
      expect(changed.json["config"]).toMatchObject({ partitions: 2, durability: "synced" });
      expect((await ask(hub, path)).json).toEqual(changed.json);
      const fixed = await askJson(hub, "PUT", path, { partitions: 3 });
      expect([fixed.status, fixed.json["code"]]).toEqual([409, "conflict"]);
      const again = await ask(hub, path, { method: "PUT", headers: { "If-None-Match": "*" } });
      expect([again.status, again.json["code"]]).toEqual([409, "already_exists"]);
      const deleted = await ask(hub, path, { method: "DELETE" });
      expect([deleted.status, deleted.text]).toEqual([204, ""]);
      expect((await ask(hub, path, { method: "DELETE" })).status).toBe(404);
    });

    it("lists topics in pages, in the order of their names' bytes", async () => {
      for (const name of ["list.b", "list.a", "list.é"])
        await ask(hub, `/v1/topics/${encodeURIComponent(name)}`, { method: "PUT" });
      const first = (await ask(hub, "/v1/topics?after=list&limit=2")).json;
      expect(first).toEqual({
        topics: [
          { name: "list.a", partitions: 1 },
          { name: "list.b", partitions: 1 },
        ],
        next: "list.b",
      });
      const second = (await ask(hub, "/v1/topics?after=list.b&limit=1")).json;
      expect(second["topics"]).toEqual([{ name: "list.é", partitions: 1 }]);
    });
  });

  describe("paths and methods", () => {
    it("names the methods of a path in Allow", async () => {
      expect((await ask(hub, "/v1/topics/t", { method: "POST" })).headers["allow"]).toBe(
        "GET, HEAD, PUT, DELETE, OPTIONS",
      );
    });

    it("answers HEAD like GET, without a body", async () => {
      const head = await ask(hub, "/healthz", { method: "HEAD" });
      expect([head.status, head.text]).toEqual([200, ""]);
      expect(head.headers["content-length"]).toBe(String((await ask(hub, "/healthz")).text.length));
      expect((await ask(hub, "/v1/topics/nobody", { method: "HEAD" })).status).toBe(404);
    });

    it("answers HEAD of an event stream at once", async () => {
      const head = await ask(hub, "/v1/topics/t/events", { method: "HEAD" });
      expect([head.status, head.headers["content-type"]]).toEqual([200, "text/event-stream; charset=utf-8"]);
    });
  });

  describe("status", () => {
    it("is alive and ready", async () => {
      expect((await ask(hub, "/healthz")).json).toEqual({ status: "alive" });
      expect((await ask(hub, "/readyz")).json).toEqual({ status: "ready" });
    });

    it("counts refused requests by code", async () => {
      const count = async (): Promise<number> => {
        const { text } = await ask(hub, "/metrics");
        return Number(/rejected_requests_total\{code="unknown_op",via="http"\} (\d+)/.exec(text)?.[1] ?? 0);
      };
      const before = await count();
      await ask(hub, "/nowhere");
      expect(await count()).toBe(before + 1);
    });

    it("tells its numbers as Prometheus text", async () => {
      await publish("counted", { messages: [{ data: 1 }, { data: 2 }] });
      const { headers, text } = await ask(hub, "/metrics");
      expect(headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(text).toMatch(/^ringcast_build_info\{version="\d+\.\d+\.\d+",node="v[\d.]+",transport="(uws|ws)"\} 1$/m);
      expect(Number(/^ringcast_appended_records_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(2);
      expect(Number(/^ringcast_log_bytes (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
    });
  });

  describe("pages", () => {
    it.each([
      ["/", "text/html; charset=utf-8"],
      ["/sdk/ringcast.js", "text/javascript; charset=utf-8"],
    ])("serves %s, and 304 to whoever has it already", async (path, type) => {
      const answer = await ask(hub, path);
      expect([answer.status, answer.headers["content-type"]]).toEqual([200, type]);
      expect(answer.headers["content-security-policy"]).toMatch(/^default-src 'self';/);
      expect(answer.headers["x-content-type-options"]).toBe("nosniff");
      const again = await ask(hub, path, { headers: { "If-None-Match": `"x", W/${answer.headers["etag"] ?? ""}` } });
      expect([again.status, again.text]).toEqual([304, ""]);
    });

    it("has no demo unless it is switched on", async () => {
      expect((await ask(hub, "/demo")).status).toBe(404);
    });
  });
});
