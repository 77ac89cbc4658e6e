/** J: publishes and frames that nobody in his right mind sends, in JSON and, where they have a form there, in msgpack and over HTTP. */
import type { FrameClient } from "../../support/frame-client.js";
import { askJson } from "../../support/http-request.js";
import type { Scene } from "../case.js";
import { numbered, TOPIC, type HttpForm, type RequestCase, type RequestFields } from "../session.js";

const publish = (fields: RequestFields): RequestFields => ({ op: "publish", topic: TOPIC, data: 1, ...fields });
const batch = (...messages: unknown[]): RequestFields => ({ op: "publish", topic: TOPIC, messages });
const produce = (producer: unknown): RequestFields => publish({ producer });
/** A publish as text, with what isn't written in any other way. */
const publishText = (rest: string): string => `{"op":"publish","id":7,"topic":"${TOPIC}",${rest}}`;
const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
const nestedValue = (levels: number): unknown => JSON.parse(nested(levels)) as unknown;
const headersOf = (count: number): RequestFields =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, "v"]));
/** What is about `__proto__` has to come from a text: written in a program it would be no member. */
const parsed = (text: string): unknown => JSON.parse(text) as unknown;
const shortened = (value: unknown): string => (value === undefined ? "left out" : JSON.stringify(value)).slice(0, 24);

/** A JSON body as it is. */
const post = (body: string): HttpForm => ({
  path: `/v1/topics/${TOPIC}/messages`,
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body,
});

/** A publish that is refused for each of these values of a field; over HTTP, too. */
const refusedFor = (
  field: string,
  values: readonly unknown[],
  request: (value: unknown) => RequestFields,
): Omit<RequestCase, "id">[] =>
  values.map((value) => ({
    title: `${field} ${shortened(value)}`,
    outcome: "E bad_request",
    request: request(value),
    http: true,
    details: { field },
  }));

/** Publishes something first. */
const after =
  (first: RequestFields, request: RequestFields) =>
  async (client: FrameClient): Promise<RequestFields> => {
    const { op } = await client.request(first);
    if (op !== "published") throw new Error(`Nothing to build on: ${op}`);
    return request;
  };

/** Makes the topic first. */
const afterCreating =
  (config: RequestFields, request: RequestFields) =>
  async (_client: FrameClient, { hub }: Scene): Promise<RequestFields> => {
    const { status } = await askJson(hub, "PUT", `/v1/topics/${TOPIC}`, config);
    if (status !== 201) throw new Error(`Nothing to build on: ${status}`);
    return request;
  };

const FRAMES: readonly RequestCase[] = [
  ...numbered("J1", [
    { title: "half an object", outcome: "X bad_frame/1007", json: "{", http: post("{") },
    { title: "nothing at all", outcome: "X bad_frame/1007", json: "", http: post("") },
    { title: "a string", outcome: "X bad_frame/1008", json: `""`, http: post(`""`) },
    { title: "a list", outcome: "X bad_frame/1008", json: "[]", http: post("[]") },
    { title: "null", outcome: "X bad_frame/1008", json: "null", http: post("null") },
    { title: "a number", outcome: "X bad_frame/1008", json: "1", http: post("1") },
    { title: "two objects", outcome: "X bad_frame/1007", json: `{"op":"ping","id":1}{}`, http: post(`{"data":1}{}`) },
    {
      title: "a byte order mark",
      outcome: "X bad_frame/1007",
      json: `\ufeff{"op":"ping","id":1}`,
      http: post(`\ufeff{}`),
    },
  ]),
  ...numbered("J3", [
    { title: "no op", outcome: "X bad_frame/1008", request: { x: 1 } },
    ...[1, null, ["ping"], { toString: "ping" }].map((op) => ({
      title: `the op ${shortened(op)}`,
      outcome: "X bad_frame/1008" as const,
      request: { op },
    })),
    ...[
      "constructor",
      "__proto__",
      "toString",
      "hasOwnProperty",
      "settle",
      "",
      "x".repeat(10_000),
      "\u202e\u0000\u200b",
    ].map((op) => ({ title: `the op ${shortened(op)}`, outcome: "E unknown_op" as const, request: { op } })),
  ]),
  ...numbered("J4", [
    ...[undefined, -1, 1.5, 2 ** 53, "i".repeat(65), {}, [], null, true, "\u0000".repeat(65)].map((id) => ({
      title: `the id ${shortened(id)}`,
      outcome: "E bad_request" as const,
      request: { op: "ping", id },
      details: { field: "id" },
    })),
    { title: "NaN as id", outcome: "X bad_frame/1007", json: `{"op":"ping","id":NaN}` },
    ...[0, 2 ** 53 - 1, "", "i".repeat(64), "\u202e\n"].map((id) => ({
      title: `the id ${shortened(id)}`,
      outcome: "ok" as const,
      request: { op: "ping", id },
      reply: { op: "pong", id },
    })),
  ]),
];

const NAMES: readonly RequestCase[] = [
  ...numbered("J6", [
    {
      title: "op twice: the last one counts",
      outcome: "ok",
      json: `{"op":"ping","id":1,"op":"publish","topic":"${TOPIC}","data":1}`,
      reply: { op: "published" },
    },
    {
      title: "data twice: the last one counts, also where it is written with an escape",
      outcome: "ok",
      json: publishText(`"data":1,"d\\u0061ta":2`),
      http: true,
      stored: `"data":2`,
    },
    {
      title: "a name twice inside of data: kept as it was sent",
      outcome: "ok",
      json: publishText(`"data":{"a":1,"a":2}`),
      http: true,
      stored: `"data":{"a":1,"a":2}`,
    },
    {
      title: "a header twice: the last one counts",
      outcome: "ok",
      json: publishText(`"data":1,"headers":{"a":"1","a":"2"}`),
      http: true,
      stored: `"headers":{"a":"2"}`,
    },
  ]),
  ...numbered("J7", [
    {
      title: "__proto__ in the request",
      outcome: "ok",
      request: parsed(publishText(`"data":1,"__proto__":{"data":2,"admin":true}`)) as RequestFields,
      http: true,
      stored: `"data":1`,
    },
    {
      title: "__proto__ in data",
      outcome: "ok",
      json: publishText(`"data":{"__proto__":{"admin":true}}`),
      http: true,
      stored: `"data":{"__proto__":{"admin":true}}`,
    },
    {
      title: "__proto__ as a header",
      outcome: "ok",
      json: publishText(`"data":1,"headers":{"__proto__":"x"}`),
      http: true,
      stored: `"headers":{"__proto__":"x"}`,
    },
    {
      title: "an object as the header __proto__",
      outcome: "E bad_request",
      json: publishText(`"data":1,"headers":{"__proto__":{"admin":true}}`),
      http: true,
      details: { field: "headers" },
    },
    {
      title: "a producer behind __proto__",
      outcome: "E bad_request",
      json: publishText(`"data":1,"producer":{"__proto__":{"id":"p","sequence":0}}`),
      http: true,
      details: { field: "producer.id" },
    },
    {
      title: "a topic's configuration behind __proto__",
      outcome: "ok",
      http: { ...post(`{"__proto__":{"partitions":5}}`), path: `/v1/topics/${TOPIC}`, method: "PUT" },
      reply: { config: { partitions: 1 } },
    },
    {
      title: "a topic's configuration that isn't JSON, with what can't be seen in it",
      outcome: "E bad_frame",
      http: { ...post(`\u202e\u001b[2J\n`), path: `/v1/topics/${TOPIC}`, method: "PUT" },
      details: { field: "body" },
    },
  ]),
];

const VALUES: readonly RequestCase[] = [
  ...numbered("J8", [
    { title: "data 128 deep", outcome: "ok", request: publish({ data: nestedValue(128) }), http: true },
    {
      title: "data 129 deep",
      outcome: "E bad_request",
      request: publish({ data: nestedValue(129) }),
      http: true,
      details: { field: "data" },
    },
    { title: "data 128 deep in a batch", outcome: "ok", request: batch({ data: nestedValue(128) }), http: true },
    {
      title: "data 129 deep in a batch",
      outcome: "E bad_request",
      request: batch({ data: 1 }, { data: nestedValue(129) }),
      http: true,
      details: { field: "data" },
    },
    {
      title: "a field that nobody knows 129 deep",
      outcome: "E bad_request",
      request: publish({ x: nestedValue(129) }),
      http: true,
    },
    { title: "a million brackets", outcome: "X bad_frame/1007", json: "[".repeat(1e6), http: post("[".repeat(1e6)) },
    {
      title: "a million brackets in data",
      outcome: "X bad_frame/1007",
      json: publishText(`"data":${"[".repeat(1e6)}`),
    },
  ]),
  ...numbered(
    "J9",
    [5_000, 100_000].map((levels) => ({
      title: `data ${levels} deep`,
      outcome: "E bad_request" as const,
      json: publishText(`"data":${nested(levels)}`),
      http: true as const,
      details: { field: "data" },
    })),
  ),
  ...numbered(
    "J10",
    ["1e400", "-0", "9007199254740993", "1E+2", "0.1000000000000000055511151231257827021181583404541015625"].map(
      (data) => ({
        title: `${data.slice(0, 24)} as data: kept as it was sent`,
        outcome: "ok" as const,
        json: publishText(`"data":${data}`),
        http: true as const,
        stored: `"data":${data}`,
      }),
    ),
  ),
  ...numbered("J11", [
    {
      title: "a lone surrogate in data: kept as it was sent",
      outcome: "ok",
      json: publishText(`"data":"\\ud800"`),
      http: true,
      stored: `"data":"\\ud800"`,
    },
    {
      title: "a lone surrogate in the key",
      outcome: "E bad_request",
      json: publishText(`"data":1,"key":"\\ud800"`),
      http: true,
      details: { field: "key" },
    },
    {
      title: "a lone surrogate in a header",
      outcome: "E bad_request",
      json: publishText(`"data":1,"headers":{"a":"\\udc00"}`),
      http: true,
      details: { field: "headers" },
    },
    {
      title: "a lone surrogate in the topic",
      outcome: "E invalid_topic",
      json: `{"op":"publish","id":7,"topic":"\\ud800","data":1}`,
    },
  ]),
  ...numbered(
    "J12",
    [1, [TOPIC], { toString: TOPIC }, null, true, undefined].map((topic) => ({
      title: `the topic ${shortened(topic)}`,
      outcome: "E bad_request" as const,
      request: topic === undefined ? { op: "publish", data: 1 } : publish({ topic }),
      details: { field: "topic" },
    })),
  ),
  ...numbered("J13", [
    ...refusedFor("partition", [-1, 1.5, "0", 1e9, 1_024, null, [0]], (partition) => publish({ partition })),
    {
      title: "a partition that the topic hasn't got",
      outcome: "E bad_request",
      request: after(publish({}), publish({ partition: 1 })),
      details: { field: "partition" },
    },
    {
      title: "a partition that a topic yet to be made won't have",
      outcome: "E bad_request",
      request: publish({ partition: 1 }),
      http: true,
      details: { field: "partition" },
    },
  ]),
];

const BATCHES: readonly RequestCase[] = [
  ...numbered("J20", [
    ...refusedFor("messages", [[], {}, "x", null, 1], (messages) => ({ op: "publish", topic: TOPIC, messages })),
    ...["data", "key", "headers"].map((field) => ({
      title: `${field} beside messages`,
      outcome: "E bad_request" as const,
      request: { ...batch({ data: 1 }), [field]: field === "headers" ? {} : "x" },
      http: true as const,
      details: { field },
    })),
    ...[1, null, [], "x"].map((message) => ({
      title: `the message ${shortened(message)}`,
      outcome: "E bad_request" as const,
      request: batch({ data: 1 }, message),
      http: true as const,
      details: { field: "messages", index: 1 },
    })),
    {
      title: "a message without data",
      outcome: "E bad_request",
      request: batch({ data: 1 }, { key: "k" }),
      http: true,
      details: { field: "data", index: 1 },
    },
    {
      title: "neither data nor messages",
      outcome: "E bad_request",
      request: { op: "publish", topic: TOPIC, key: "k" },
      http: true,
      details: { field: "data" },
    },
    {
      title: "10,001 messages",
      outcome: "E too_large",
      request: batch(...Array<unknown>(10_001).fill({ data: 1 })),
      http: true,
      details: { limit: 10_000 },
    },
    {
      title: "400,000 messages: a frame over maxFrameBytes",
      outcome: "X too_large/1009",
      json: `{"op":"publish","id":7,"topic":"${TOPIC}","messages":[${`{"data":1},`.repeat(400_000)}{"data":1}]}`,

      details: { limit: 4_194_304 },
    },
  ]),
  ...numbered("J21", [
    {
      title: "a batch whose last message has a number as key",
      outcome: "E bad_request",
      request: batch({ data: 1 }, { data: 2 }, { data: 3, key: 3 }),
      http: true,
      details: { field: "key", index: 2 },
    },
    {
      title: "a batch whose last message is too large",
      outcome: "E too_large",
      request: batch({ data: 1 }, { data: "x".repeat(1_048_577) }),
      http: true,
      details: { limit: 1_048_576, index: 1 },
    },
    {
      title: "a batch over a quarter of the capacity",
      outcome: "E too_large",
      request: afterCreating(
        { capacityBytes: 65_536 },
        batch({ data: "x".repeat(9_000) }, { data: "x".repeat(9_000) }),
      ),
    },
  ]),
  ...numbered("J22", [
    ...[
      ["65 of them", headersOf(65)],
      ["1,000 of them", headersOf(1_000)],
      ["an object as value", { a: {} }],
      ["a number as value", { a: 1 }],
      ["null as value", { a: null }],
      ["a value of 64 kB", { a: "v".repeat(65_536) }],
      ["together over 16 KiB", { a: "v".repeat(9_000), b: "v".repeat(9_000) }],
      ["a line end in a name", { "a\nb": "v" }],
      ["NUL in a name", { "a\u0000": "v" }],
      ["an empty name", { "": "v" }],
      ["a name of 129 bytes", { ["n".repeat(129)]: "v" }],
      ["one of the hub's", { "ringcast-reason": "v" }],
      ["a list", ["a"]],
      ["a string", "a: b"],
      ["null", null],
    ].map(([title, headers]) => ({
      title: `headers: ${title as string}`,
      outcome: "E bad_request" as const,
      request: publish({ headers }),
      http: true as const,
      details: { field: "headers" },
    })),
    {
      title: "headers: 300,000 of them, refused before they are parsed",
      outcome: "E bad_request",
      json: publishText(`"data":1,"headers":${JSON.stringify(headersOf(300_000))}`),
      details: { field: "headers" },
    },
    {
      title: "64 headers, one of them with a name of 128 bytes",
      outcome: "ok",
      request: publish({ headers: { ...headersOf(63), ["n".repeat(128)]: "\r\n\u0000" } }),
      http: true,
    },
  ]),
  ...numbered("J23", [
    ...refusedFor("key", ["k".repeat(1_025), "k".repeat(65_536), 1, null, {}, ["k"]], (key) => publish({ key })),
    ...["", "k".repeat(1_024), "\u0000\n"].map((key) => ({
      title: `the key ${shortened(key)}`,
      outcome: "ok" as const,
      request: publish({ key }),
      http: true as const,
      stored: `"key":${JSON.stringify(key)}`,
    })),
  ]),
];

const PRODUCERS: readonly RequestCase[] = [
  ...numbered("J24", [
    ...refusedFor("producer.sequence", [-1, 1.5, 2 ** 53, "0", null, undefined], (sequence) =>
      produce(sequence === undefined ? { id: "p" } : { id: "p", sequence }),
    ),
    ...refusedFor("producer.id", ["", "p".repeat(129), "p".repeat(10_000), 1, null], (id) =>
      produce({ id, sequence: 0 }),
    ),
    ...["p", ["p", 0], null].map((producer) => ({
      title: `the producer ${shortened(producer)}`,
      outcome: "E bad_request" as const,
      request: produce(producer),
      http: true as const,
    })),
    {
      title: "a producer id of 128 bytes, with NUL in it",
      outcome: "ok",
      request: produce({ id: `\u0000${"p".repeat(127)}`, sequence: 0 }),
      http: true,
    },
    {
      title: "a producer that doesn't begin at 0",
      outcome: "E out_of_sequence",
      request: after(publish({}), produce({ id: "p", sequence: 5 })),
      details: { expected: 0 },
    },
    {
      title: "the same of a topic yet to be made",
      outcome: "E out_of_sequence",
      request: produce({ id: "p", sequence: 5 }),
      http: true,
      details: { expected: 0 },
    },
    {
      title: "a sequence left out",
      outcome: "E out_of_sequence",
      request: after(produce({ id: "p", sequence: 0 }), produce({ id: "p", sequence: 2 })),
      details: { expected: 1 },
    },
  ]),
  ...numbered("J25", [
    {
      title: "another client's producer id, where nobody has a name: the same producer",
      outcome: "ok",
      request: after(produce({ id: "p", sequence: 0 }), produce({ id: "p", sequence: 0 })),
      reply: { duplicate: true, offset: 0 },
    },
  ]),
  ...numbered("J26", [
    {
      title: "the same sequence with other data",
      outcome: "E conflict",
      request: after(produce({ id: "p", sequence: 0 }), { ...produce({ id: "p", sequence: 0 }), data: 2 }),
    },
    {
      title: "the same sequence with a key",
      outcome: "E conflict",
      request: after(produce({ id: "p", sequence: 0 }), { ...produce({ id: "p", sequence: 0 }), key: "" }),
    },
    {
      title: "the same sequence with one message more",
      outcome: "E conflict",
      request: after(
        { ...batch({ data: 1 }), producer: { id: "p", sequence: 0 } },
        { ...batch({ data: 1 }, { data: 1 }), producer: { id: "p", sequence: 0 } },
      ),
    },
  ]),
];

const BYTES: readonly RequestCase[] = [
  ...numbered("J30", [
    ...[`"%%%"`, "1", "null", `"AB=="`, `"AA"`, `" AAAA"`, "{}", `["AAAA"]`].map((bytes) => ({
      title: `{"$bytes":${bytes}}`,
      outcome: "E bad_request" as const,
      json: publishText(`"data":{"$bytes":${bytes}}`),
      http: true as const,
      details: { field: "data" },
    })),
    ...[
      [`{"$bytes":"AAEC"}`, `"data":{"$bytes":"AAEC"}`],
      [`{ "\\u0024bytes" : "AAEC" }`, `"data":{"$bytes":"AAEC"}`],
      [`{"$bytes":1,"$bytes":"AAEC"}`, `"data":{"$bytes":"AAEC"}`],
      [`{"$bytes":"%%%","x":1}`, `"data":{"$bytes":"%%%","x":1}`],
      [`[{"$bytes":"%%%"}]`, `"data":[{"$bytes":"%%%"}]`],
      [`{"$bytes":""}`, `"data":{"$bytes":""}`],
    ].map(([data = "", stored = ""]) => ({
      title: `${data} comes back as ${stored}`,
      outcome: "ok" as const,
      json: publishText(`"data":${data}`),
      http: true as const,
      stored,
    })),
  ]),
  ...numbered("J32", [
    ...refusedFor("durability", ["maybe", "replicated", "", null, 1], (durability) => publish({ durability })),
    {
      title: "fields that nobody knows",
      outcome: "ok",
      request: publish({ retain: true, qos: 2, "": {}, constructor: [] }),
      http: true,
      stored: `"data":1`,
    },
  ]),
];

export const REQUESTS: readonly RequestCase[] = [...FRAMES, ...NAMES, ...VALUES, ...BATCHES, ...PRODUCERS, ...BYTES];
