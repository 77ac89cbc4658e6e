import { describe, expect, it, vi } from "vitest";
import { CONTENT_TYPE, DEFAULT_LIMITS, decodeHeaders, decodePublishBody, decodeRequest } from "@ringcast/protocol";
import type { ErrorFrame, PublishRequest, Request, SubscribeRequest } from "@ringcast/protocol";

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

function decode(frame: string): ReturnType<typeof decodeRequest> {
  return decodeRequest(new TextEncoder().encode(frame), DEFAULT_LIMITS);
}

function accepted(frame: string): Request {
  const outcome = decode(frame);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.request;
}

function published(fields: string): PublishRequest {
  return accepted(`{"op":"publish","id":1,"topic":"t",${fields}}`) as PublishRequest;
}

function refused(frame: string): ErrorFrame {
  const outcome = decode(frame);
  if (outcome.ok) throw new Error(`${frame} was accepted`);
  expect(outcome.closeCode).toBeUndefined();
  return outcome.error;
}

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

describe("frames that end the connection", () => {
  it.each([
    ["{", 1007],
    ["", 1007],
    [" ", 1007],
    ["nonsense", 1007],
    ['{"op":"ping","id":1}x', 1007],
    ['{"op":"ping","id":1}{}', 1007],
    ['{"op":"ping","id":1,}', 1007],
    ['{"op":"ping","id":01}', 1007],
    ['{"op":"ping","id":NaN}', 1007],
    ["\ufeff{}", 1007],
    ["[".repeat(1_000), 1007],
    ['""', 1008],
    ["[]", 1008],
    ["null", 1008],
    ["1", 1008],
    ["{}", 1008],
    ['{"op":1,"id":1}', 1008],
    ['{"op":null,"id":1}', 1008],
  ])("%s ends with %i", (frame, closeCode) => {
    const outcome = decode(frame);
    expect(outcome).toMatchObject({ ok: false, closeCode, error: { op: "error", code: "bad_frame" } });
    expect(outcome).not.toHaveProperty("error.id");
  });

  it("a million brackets are refused in linear time", () => {
    const frame = new TextEncoder().encode("[".repeat(1_000_000));
    decodeRequest(frame, DEFAULT_LIMITS);
    const start = performance.now();
    expect(decodeRequest(frame, DEFAULT_LIMITS)).toMatchObject({ closeCode: 1007 });
    // Aimed at 20 ms on a quiet machine; V8's own parser takes 400.
    expect(performance.now() - start).toBeLessThan(150);
  });
});

describe("ids", () => {
  it.each(["0", "9007199254740991", '""', '"a"', `"${"x".repeat(64)}"`, `"${"😀".repeat(64)}"`])(
    "%s is legal",
    (id) => {
      expect(accepted(`{"op":"ping","id":${id}}`)).toEqual({ op: "ping", id: JSON.parse(id) as unknown });
    },
  );

  it.each(["-1", "1.5", "9007199254740992", "1e400", "null", "{}", "[]", "true", `"${"x".repeat(65)}"`])(
    "%s is refused without being echoed",
    (id) => {
      const error = refused(`{"op":"ping","id":${id}}`);
      expect(error).toMatchObject({ code: "bad_request", details: { field: "id" } });
      expect(error).not.toHaveProperty("id");
    },
  );

  it("must be there, but for ack", () => {
    expect(refused('{"op":"ping"}')).toMatchObject({ code: "bad_request", details: { field: "id" } });
    expect(accepted('{"op":"ack","subscription":7,"offset":3}')).toEqual({
      op: "ack",
      id: undefined,
      subscription: 7,
      topic: undefined,
      partition: 0,
      offset: 3,
    });
  });

  it("give way to the record in the error of an ack or settle without one", () => {
    const ack = refused('{"op":"ack","subscription":7,"partition":2,"offset":-1}');
    expect(ack).toMatchObject({ code: "invalid_offset", subscription: 7, partition: 2 });
    const nothing = refused('{"op":"ack","subscription":7}');
    expect(nothing).toMatchObject({ code: "bad_request", details: { field: "offset" }, subscription: 7, partition: 0 });
    const settle = refused('{"op":"settle","subscription":7,"offset":4,"outcome":"done"}');
    expect(settle).toMatchObject({ code: "unknown_op", subscription: 7, partition: 0, offset: 4 });
    expect(refused('{"op":"settle","id":5,"subscription":7}')).toMatchObject({ id: 5, code: "unknown_op" });
  });
});

describe("operations", () => {
  it.each(["constructor", "__proto__", "toString", "", "publishx", "PING"])("%j is unknown", (op) => {
    expect(refused(JSON.stringify({ op, id: 1 }))).toMatchObject({ id: 1, code: "unknown_op" });
  });

  it("may be written with escapes, and of two the last counts", () => {
    expect(accepted(String.raw`{"\u006fp":"pi\u006eg","id":1}`).op).toBe("ping");
    expect(accepted('{"op":"publish","id":1,"op":"ping","id":2}')).toEqual({ op: "ping", id: 2 });
  });

  it("ignore fields they don't know", () => {
    expect(accepted('{"op":"ping","id":1,"lease":null,"__proto__":{"op":"x"}}')).toEqual({ op: "ping", id: 1 });
  });

  it("are decoded whole", () => {
    expect(accepted('{"op":"unsubscribe","id":1,"subscription":7}')).toEqual({
      op: "unsubscribe",
      id: 1,
      subscription: 7,
    });
    expect(accepted('{"op":"topic","id":1,"topic":"a"}')).toEqual({ op: "topic", id: 1, topic: "a" });
    expect(accepted('{"op":"auth","id":1,"token":"s"}')).toEqual({ op: "auth", id: 1, token: "s" });
    expect(accepted('{"op":"history","id":1,"topic":"a","from":{"offset":3}}')).toEqual({
      op: "history",
      id: 1,
      topic: "a",
      partition: 0,
      from: { offset: 3 },
      until: undefined,
      filter: undefined,
      limit: 100,
    });
    expect(accepted('{"op":"subscribe","id":1,"topic":"a"}')).toEqual({
      op: "subscribe",
      id: 1,
      topic: "a",
      pattern: undefined,
      from: "latest",
      until: undefined,
      filter: undefined,
      verify: false,
      window: 0,
    });
  });

  it("don't show a token in an error", () => {
    expect(refused('{"op":"auth","id":1,"token":12345}').message).not.toContain("12345");
  });
});

describe("publish", () => {
  it("keeps data byte for byte, white space inside included", () => {
    for (const data of [
      "null",
      "1e400",
      "-0",
      "9007199254740993",
      '"\\ud800"',
      '{ "a" : [1, 2 ] }',
      '""',
      nested(128),
    ]) {
      const [message] = published(`"data":  ${data}\n`).messages;
      expect(message?.contentType).toBe(CONTENT_TYPE.json);
      expect(text(message?.data)).toBe(data);
    }
  });

  it("takes key and headers", () => {
    const [message] = published(String.raw`"data":1,"key":"é\u00e9","headers":{"a":"b","__proto__":"c"}`).messages;
    expect(text(message?.key)).toBe("éé");
    expect(decodeHeaders(message?.headers ?? new Uint8Array(0))).toEqual([
      ["a", "b"],
      ["__proto__", "c"],
    ]);
    expect(published('"data":1').messages[0]?.key).toBeUndefined();
    expect(published('"data":1,"key":""').messages[0]?.key).toHaveLength(0);
  });

  it("takes partition, producer and durability", () => {
    const request = published('"data":1,"partition":3,"producer":{"id":"p","sequence":0},"durability":"synced"');
    expect(request).toMatchObject({
      batch: false,
      partition: 3,
      producer: { id: "p", sequence: 0 },
      durability: "synced",
    });
  });

  it.each([
    ['{"$bytes":"AQID/w=="}', "010203ff"],
    [String.raw`{ "\u0024bytes" : "AQID\/w==" }`, "010203ff"],
    ['{"$bytes":""}', ""],
    ['{"$bytes":"!","$bytes":"AQ=="}', "01"],
  ])("stores %s as bytes", (data, hex) => {
    const [message] = published(`"data":${data}`).messages;
    expect(message?.contentType).toBe(CONTENT_TYPE.bytes);
    expect(Buffer.from(message?.data ?? []).toString("hex")).toBe(hex);
  });

  it.each(['{"$bytes":"AQ==","x":1}', '{"x":1,"$bytes":"%"}', '{"a":{"$bytes":"%"}}', "{}", '[{"$bytes":"AQ=="}]'])(
    "stores %s as JSON",
    (data) => {
      expect(text(published(`"data":${data}`).messages[0]?.data)).toBe(data);
    },
  );

  it.each(["%%%", "AQ", "AQ=", "AR==", "A===", "AQ==\\n", "A Q=", "-_8="])("refuses %j as Base64", (characters) => {
    expect(refused(`{"op":"publish","id":1,"topic":"t","data":{"$bytes":"${characters}"}}`)).toMatchObject({
      code: "bad_request",
      details: { field: "data" },
    });
  });

  it.each([
    ["", "bad_request", "data"],
    ['"data":{"$bytes":1}', "bad_request", "data"],
    [`"data":${nested(129)}`, "bad_request", "data"],
    [`"data":${nested(5_000)}`, "bad_request", "data"],
    [`"data":1,"x":${nested(129)}`, "bad_request", "data"],
    [`"data":1,"headers":${nested(129)}`, "bad_request", "data"],
    ['"data":1,"key":1', "bad_request", "key"],
    ['"data":1,"key":null', "bad_request", "key"],
    ['"data":1,"key":"\\ud800"', "bad_request", "key"],
    [`"data":1,"key":"${"k".repeat(1_025)}"`, "bad_request", "key"],
    [`"data":1,"key":"${"é".repeat(513)}"`, "bad_request", "key"],
    ['"data":1,"headers":null', "bad_request", "headers"],
    ['"data":1,"headers":{"a":1}', "bad_request", "headers"],
    ['"data":1,"headers":{"ringcast-x":"1"}', "bad_request", "headers"],
    ['"data":1,"partition":-1', "bad_request", "partition"],
    ['"data":1,"partition":1.5', "bad_request", "partition"],
    ['"data":1,"partition":"0"', "bad_request", "partition"],
    ['"data":1,"partition":1000000000', "bad_request", "partition"],
    ['"data":1,"partition":null', "bad_request", "partition"],
    ['"data":1,"producer":null', "bad_request", "producer"],
    ['"data":1,"producer":"p"', "bad_request", "producer"],
    ['"data":1,"producer":{"id":"","sequence":0}', "bad_request", "producer.id"],
    [`"data":1,"producer":{"id":"${"p".repeat(129)}","sequence":0}`, "bad_request", "producer.id"],
    ['"data":1,"producer":{"id":"p","sequence":-1}', "bad_request", "producer.sequence"],
    ['"data":1,"producer":{"id":"p","sequence":1.5}', "bad_request", "producer.sequence"],
    ['"data":1,"producer":{"id":"p","sequence":9007199254740992}', "bad_request", "producer.sequence"],
    ['"data":1,"durability":"maybe"', "bad_request", "durability"],
    ['"data":1,"durability":"replicated"', "bad_request", "durability"],
    ['"data":1,"durability":null', "bad_request", "durability"],
    ['"messages":[]', "bad_request", "messages"],
    ['"messages":{}', "bad_request", "messages"],
    ['"messages":null', "bad_request", "messages"],
    ['"messages":[{"data":1}],"data":1', "bad_request", "data"],
    ['"messages":[{"data":1}],"key":"k"', "bad_request", "key"],
    ['"messages":[{"data":1}],"messages":1', "bad_request", "messages"],
  ])("refuses %s: %s %s", (fields, code, field) => {
    const frame = `{"op":"publish","id":1,"topic":"t"${fields === "" ? "" : ","}${fields}}`;
    expect(refused(frame)).toMatchObject({ id: 1, code, details: { field } });
  });

  it.each([
    ['"t*"', "invalid_topic"],
    ['">"', "invalid_topic"],
    ['"a.*"', "invalid_topic"],
    ['"\\ud800"', "invalid_topic"],
    ['"$x"', "forbidden"],
    ["1", "bad_request"],
    ['["t"]', "bad_request"],
    ['{"toString":"t"}', "bad_request"],
    ["null", "bad_request"],
  ])("refuses topic %s: %s", (topic, code) => {
    expect(refused(`{"op":"publish","id":1,"data":1,"topic":${topic}}`).code).toBe(code);
  });

  it("names the first message of a batch that offends", () => {
    const frame = '{"op":"publish","id":1,"topic":"t","messages":[{"data":1},{"data":1,"key":2},3]}';
    expect(refused(frame)).toMatchObject({ code: "bad_request", details: { field: "key", index: 1 } });
    const deep = `{"op":"publish","id":1,"topic":"t","messages":[{"data":1},{"data":${nested(129)}}]}`;
    expect(refused(deep)).toMatchObject({ code: "bad_request", details: { index: 1 } });
  });

  it("takes as many messages as allowed and no more", () => {
    const batch = (count: number): string =>
      `{"op":"publish","id":1,"topic":"t","messages":[${Array<string>(count).fill('{"data":1}').join()}]}`;
    expect((accepted(batch(10_000)) as PublishRequest).messages).toHaveLength(10_000);
    expect(refused(batch(10_001))).toMatchObject({ code: "too_large" });
  });

  it("takes a message exactly at the limit, counting data, key and headers", () => {
    const data = `"${"x".repeat(DEFAULT_LIMITS.maxMessageBytes - 2 - 1)}"`;
    expect(published(`"data":${data},"key":"k"`).messages).toHaveLength(1);
    expect(refused(`{"op":"publish","id":1,"topic":"t","data":${data},"key":"kk"}`)).toMatchObject({
      code: "too_large",
    });
  });
});

describe("subscribe", () => {
  const ask = (fields: string): string => `{"op":"subscribe","id":1,${fields}}`;

  it.each([
    '"latest"',
    '"earliest"',
    '{"offset":42}',
    '{"time":1763600000000}',
    '{"last":1000000000000}',
    '{"positions":{"0":{"epoch":"e","offset":42},"12":{"epoch":"f","offset":0}}}',
  ])("begins at %s", (from) => {
    expect(accepted(ask(`"topic":"t","from":${from}`))).toMatchObject({ from: JSON.parse(from) as unknown });
  });

  it.each([
    '"latest"',
    '{"last":3}',
    '{"topics":{"a.b":{"0":{"epoch":"e","offset":1}}}}',
    '{"topics":{},"others":{"time":0}}',
  ])("begins a pattern at %s", (from) => {
    expect(accepted(ask(`"pattern":"a.>","from":${from}`))).toMatchObject({ from: JSON.parse(from) as unknown });
  });

  it.each([
    ['"topic":"t","pattern":"t"', "bad_request", "pattern"],
    ['"window":1', "bad_request", "topic"],
    ['"pattern":1', "bad_request", "pattern"],
    ['"topic":"t","from":null', "bad_request", "from"],
    ['"topic":"t","from":"soon"', "bad_request", "from"],
    ['"topic":"t","from":{}', "bad_request", "from"],
    ['"topic":"t","from":{"offset":1,"time":1}', "bad_request", "from"],
    ['"topic":"t","from":{"offset":-1}', "invalid_offset", "from"],
    ['"topic":"t","from":{"offset":1.5}', "invalid_offset", "from"],
    ['"topic":"t","from":{"offset":9007199254740992}', "invalid_offset", "from"],
    ['"topic":"t","from":{"offset":"42"}', "invalid_offset", "from"],
    ['"topic":"t","from":{"positions":{"0":{"epoch":"e","offset":-1}}}', "invalid_offset", "from"],
    ['"topic":"t","from":{"positions":{"0":{"epoch":"e"}}}', "bad_request", "from"],
    ['"topic":"t","from":{"positions":{"0":{"epoch":"a b","offset":1}}}', "bad_request", "from"],
    ['"topic":"t","from":{"positions":{"00":{"epoch":"e","offset":1}}}', "bad_request", "from"],
    ['"topic":"t","from":{"positions":{"1024":{"epoch":"e","offset":1}}}', "bad_request", "from"],
    ['"topic":"t","from":{"positions":{"__proto__":{"epoch":"e","offset":1}}}', "bad_request", "from"],
    ['"topic":"t","from":{"positions":null}', "bad_request", "from"],
    ['"topic":"t","from":{"time":-1}', "bad_request", "from"],
    ['"topic":"t","from":{"time":8640000000000001}', "bad_request", "from"],
    ['"topic":"t","from":{"time":"now"}', "bad_request", "from"],
    ['"topic":"t","from":{"last":0}', "bad_request", "from"],
    ['"topic":"t","from":{"last":-5}', "bad_request", "from"],
    ['"topic":"t","from":{"topics":{}}', "bad_request", "from"],
    ['"pattern":"t","from":{"offset":1}', "bad_request", "from"],
    ['"pattern":"t","from":{"positions":{}}', "bad_request", "from"],
    ['"pattern":"t","from":{"topics":{},"others":{"offset":1}}', "bad_request", "from"],
    ['"pattern":"t","from":{"topics":[]}', "bad_request", "from"],
    ['"topic":"t","window":-1', "bad_request", "window"],
    ['"topic":"t","window":1.5', "bad_request", "window"],
    ['"topic":"t","window":null', "bad_request", "window"],
    ['"topic":"t","window":2147483648', "bad_request", "window"],
    ['"topic":"t","window":100001', "bad_request", "window"],
    ['"topic":"t","group":"g"', "bad_request", "group"],
    ['"topic":"t","queue":"q"', "bad_request", "queue"],
    ['"topic":"t","until":null', "bad_request", "until"],
    ['"topic":"t","until":"tail"', "bad_request", "until"],
    ['"topic":"t","until":{}', "bad_request", "until"],
    ['"topic":"t","until":{"offset":1,"time":1}', "bad_request", "until"],
    ['"topic":"t","until":{"offset":-1}', "invalid_offset", "until"],
    ['"topic":"t","until":{"offset":"1"}', "invalid_offset", "until"],
    ['"topic":"t","until":{"time":1.5}', "bad_request", "until"],
    ['"pattern":"t","until":{"offset":1}', "bad_request", "until"],
    ['"topic":"t","verify":null', "bad_request", "verify"],
    ['"topic":"t","verify":1', "bad_request", "verify"],
    ['"topic":"t","filter":null', "bad_request", "filter"],
    ['"topic":"t","filter":"a"', "bad_request", "filter"],
    ['"topic":"t","filter":[]', "bad_request", "filter"],
    ['"topic":"t","filter":{}', "bad_request", "filter"],
    ['"topic":"t","filter":{"regex":"(a+)+$"}', "bad_request", "filter"],
    ['"topic":"t","filter":{"keys":[]}', "bad_request", "filter"],
    ['"topic":"t","filter":{"keys":"a"}', "bad_request", "filter"],
    ['"topic":"t","filter":{"keys":null}', "bad_request", "filter"],
    ['"topic":"t","filter":{"keys":[1]}', "bad_request", "filter"],
    ['"topic":"t","filter":{"keys":["\\ud800"]}', "bad_request", "filter"],
    [`"topic":"t","filter":{"keys":["${"k".repeat(1_025)}"]}`, "bad_request", "filter"],
    ['"topic":"t","filter":{"headers":{}}', "bad_request", "filter"],
    ['"topic":"t","filter":{"headers":{"":["a"]}}', "bad_request", "filter"],
    ['"topic":"t","filter":{"headers":{"a":[]}}', "bad_request", "filter"],
    ['"topic":"t","filter":{"headers":{"a":"b"}}', "bad_request", "filter"],
    [`"topic":"t","filter":{"headers":{"${"n".repeat(129)}":["a"]}}`, "bad_request", "filter"],
  ])("refuses %s: %s %s", (fields, code, field) => {
    expect(refused(ask(fields))).toMatchObject({ id: 1, code, details: { field } });
  });

  it("takes an end, a filter and verify", () => {
    const filter = { keys: ["a", ""], headers: { type: ["x", "y"], "ringcast-reason": ["z"] } };
    const fields = `"topic":"t","until":{"offset":0},"verify":true,"filter":${JSON.stringify(filter)}`;
    expect(accepted(ask(fields))).toMatchObject({ until: { offset: 0 }, filter, verify: true });
    expect(accepted(ask('"pattern":">","until":"head"'))).toMatchObject({ until: "head" });
    expect(accepted(ask('"pattern":">","until":{"time":5}'))).toMatchObject({ until: { time: 5 } });
    const history = `{"op":"history","id":1,"topic":"t","from":"earliest","until":"head","filter":{"keys":["a"]}}`;
    expect(accepted(history)).toMatchObject({ until: "head", filter: { keys: ["a"] } });
  });

  it("takes 1,000 values in a filter and not one more", () => {
    const filter = (keys: number, values: number) =>
      `"topic":"t","filter":${JSON.stringify({ keys: Array(keys).fill("k"), headers: { a: Array(values).fill("v") } })}`;
    expect(accepted(ask(filter(400, 600))).op).toBe("subscribe");
    expect(refused(ask(filter(400, 601)))).toMatchObject({ code: "bad_request", details: { field: "filter" } });
  });

  it("takes __proto__ in a filter for a name like any other", () => {
    const { filter } = accepted(ask('"topic":"t","filter":{"headers":{"__proto__":["a"]}}')) as SubscribeRequest;
    expect(Object.entries(filter?.headers ?? {})).toEqual([["__proto__", ["a"]]]);
  });

  it("refuses 100,000 positions as too many", () => {
    const positions = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [i, { epoch: "e", offset: 1 }]));
    expect(refused(ask(`"topic":"t","from":${JSON.stringify({ positions })}`)).code).toBe("too_many");
  });

  it("refuses names that aren't topics in a resume", () => {
    expect(refused(ask('"pattern":">","from":{"topics":{"a..b":{}}}')).code).toBe("invalid_topic");
  });
});

describe("history and ack", () => {
  it.each(["0", "-1", "1000000000", "1001", "1.5", "null", '"5"'])("history refuses limit %s", (limit) => {
    const error = refused(`{"op":"history","id":1,"topic":"t","from":"earliest","limit":${limit}}`);
    expect(error).toMatchObject({ code: "bad_request", details: { field: "limit" } });
  });

  it("history needs a start", () => {
    expect(refused('{"op":"history","id":1,"topic":"t"}')).toMatchObject({ details: { field: "from" } });
  });

  it.each([
    ['"offset":1', "bad_request"],
    ['"subscription":-1,"offset":1', "bad_request"],
    ['"subscription":7', "bad_request"],
    ['"subscription":7,"offset":"1"', "invalid_offset"],
    ['"subscription":7,"offset":1,"partition":null', "bad_request"],
    ['"subscription":7,"offset":1,"topic":"a.*"', "invalid_topic"],
  ])("ack refuses %s: %s", (fields, code) => {
    expect(refused(`{"op":"ack","id":1,${fields}}`).code).toBe(code);
  });
});

describe("decodePublishBody", () => {
  const body = (json: string) => decodePublishBody(new TextEncoder().encode(json), DEFAULT_LIMITS);

  it("takes what publish has, without op, id and topic", () => {
    const one = body('{"data":1,"key":"k","partition":0,"durability":"stored"}');
    expect(one).toMatchObject({ batch: false, partition: 0, durability: "stored" });
    expect(body('{"messages":[{"data":1},{"data":2}]}').messages).toHaveLength(2);
  });

  it.each([
    ["", "bad_frame"],
    ["[]", "bad_frame"],
    ["{", "bad_frame"],
    ["{}", "bad_request"],
    [`{"data":${nested(129)}}`, "bad_request"],
  ])("refuses %s: %s", (json, code) => {
    expect(() => body(json)).toThrow(expect.objectContaining({ code }));
  });

  it("refuses bytes that aren't UTF-8", () => {
    const bytes = Uint8Array.from([...new TextEncoder().encode('{"data":"'), 0xff, ...new TextEncoder().encode('"}')]);
    expect(() => decodePublishBody(bytes, DEFAULT_LIMITS)).toThrow(expect.objectContaining({ code: "bad_frame" }));
  });
});

describe("a field with more values than any needs", () => {
  it.each(["headers", "filter", "id", "producer"])("(%s) is refused before it is parsed", (field) => {
    const parse = vi.spyOn(JSON, "parse");
    const names = Array.from({ length: 300_000 }, (_, n) => `"n${n}":"v"`).join(",");
    const outcome = decode(`{"op":"publish","id":1,"topic":"t","data":1,"${field}":{${names}}}`);
    const longest = Math.max(0, ...parse.mock.calls.map(([text]) => text.length));
    parse.mockRestore();

    expect(outcome).toMatchObject({ ok: false, error: { code: "bad_request" } });
    expect(longest).toBeLessThan(10_000);
  });
});
