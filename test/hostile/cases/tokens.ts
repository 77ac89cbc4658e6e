/** K and J33: what is tried with static tokens, over WebSocket and HTTP. */
import { expect } from "vitest";
import { publishFrame } from "../../support/batch-frame.js";
import { BinaryClient } from "../../support/binary-client.js";
import type { AnyFrame, ClientOptions, FrameClient } from "../../support/frame-client.js";
import { ask, askJson, type HttpAsk } from "../../support/http-request.js";
import type { TestHub } from "../../support/hub.js";
import { JsonClient } from "../../support/json-client.js";
import type { HostileCase, Outcome, Scene } from "../case.js";
import { head, inPieces, textCases } from "../raw.js";
import { exchange, TOPIC, type RequestFields } from "../session.js";
import { expectSafeEcho, noteRefusal } from "../traces.js";

/** Two holders, as the token file has them. Made for this test, and looked for in all that the hub says. */
export const ANA = "5f1d8a2b7c3e4f60918273645546372819ab";
export const BOB = "c0ffee00c0ffee00c0ffee00c0ffee00c0ff";
export const TOKEN_FILE = `ana:${ANA}\nbob:${BOB}\n`;

const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
const other = (token: string, at: number): string =>
  `${token.slice(0, at)}${token[at] === "0" ? "1" : "0"}${token.slice(at + 1)}`;

/** Tokens that are none. */
const WRONG: readonly (readonly [string, string])[] = [
  ["another token", "wrong"],
  ["one whose first character is another", other(ANA, 0)],
  ["one whose last character is another", other(ANA, ANA.length - 1)],
  ["the right one without its last character", ANA.slice(0, -1)],
  ["the right one and one character more", `${ANA}0`],
  ["the right one in capitals", ANA.toUpperCase()],
  ["both right ones together", `${ANA}${BOB}`],
  ["the holder's name before it", `ana:${ANA}`],
  ["4,097 characters", "t".repeat(4_097)],
];

const REJECTED: Outcome = "X unauthorized/4401";
const DIALECTS = { json: JsonClient, msgpack: BinaryClient } as const;

/** Dials and tells what came. */
async function dialled({ hub }: Scene, dialect: keyof typeof DIALECTS, options: ClientOptions): Promise<Outcome> {
  await using client = await DIALECTS[dialect].open(hub.wsUrl, options);
  const first = await client.next();
  if (first.op === "welcome") return "ok";
  return await ended(hub, client, first);
}

async function ended(hub: TestHub, client: FrameClient, error: AnyFrame): Promise<Outcome> {
  noteRefusal(hub, "websocket", error.code);
  expectSafeEcho(error.message, error.details);
  return `X ${error.code}/${(await client.closed).code}`;
}

async function got({ hub }: Pick<Scene, "hub">, path: string, options: HttpAsk): Promise<Outcome> {
  const { status, json, headers } = await ask(hub, path, options);
  if (status < 400) return "ok";
  noteRefusal(hub, "http", String(json["code"]));
  if (status === 401) expect(headers["www-authenticate"]).toContain("Bearer");
  return `H${status} ${String(json["code"])}` as Outcome;
}

/** Connects without a token, and does something. */
const before =
  (dialect: keyof typeof DIALECTS, sent: RequestFields | Uint8Array) =>
  async (scene: Scene): Promise<Outcome> => {
    await using client = await DIALECTS[dialect].connect(scene.hub.wsUrl);
    return (await exchange(scene, client, sent)).outcome;
  };

const WRONG_CASES: readonly HostileCase[] = WRONG.flatMap(([title, token], n) =>
  Object.keys(DIALECTS).flatMap((name): HostileCase[] => {
    const dialect = name as keyof typeof DIALECTS;
    const id = `J33${"abcdefghi"[n] ?? ""}`;
    return [
      {
        id,
        title: `${title}, as a header (${dialect})`,
        outcome: REJECTED,
        meet: (scene) => dialled(scene, dialect, { headers: bearer(token) }),
      },
      {
        id,
        title: `${title}, in auth (${dialect})`,
        outcome: REJECTED,
        meet: before(dialect, { op: "auth", id: 1, token }),
      },
      ...(dialect === "msgpack" || !/^[\w.~-]+$/.test(token)
        ? []
        : [
            {
              id,
              title: `${title}, as a subprotocol`,
              outcome: REJECTED,
              meet: (scene: Scene) => dialled(scene, "json", { protocols: ["ringcast.v1.json", `bearer.${token}`] }),
            },
            {
              id,
              title: `${title}, over HTTP`,
              outcome: "H401 unauthorized" as const,
              meet: (scene: Scene) => got(scene, "/v1/topics", { headers: bearer(token) }),
            },
          ]),
    ];
  }),
);

/** What may not be done before a token was given. */
const REQUESTS: readonly RequestFields[] = [
  { op: "publish", topic: TOPIC, data: 1 },
  { op: "publish", topic: 7 },
  { op: "subscribe", topic: TOPIC },
  { op: "history", topic: TOPIC, from: "earliest" },
  { op: "topic", topic: TOPIC },
  { op: "ack", subscription: 1, offset: 0 },
  { op: "unsubscribe", subscription: 1 },
  { op: "constructor" },
];

const EARLY_CASES: readonly HostileCase[] = [
  ...REQUESTS.flatMap((request) =>
    Object.keys(DIALECTS).map((dialect): HostileCase => ({
      id: "J33j",
      title: `${JSON.stringify(request)} before a token (${dialect})`,
      outcome: "E unauthorized",
      meet: before(dialect as keyof typeof DIALECTS, { id: 1, ...request }),
    })),
  ),
  {
    id: "J33k",
    title: "a batch frame before a token",
    outcome: "E unauthorized",
    meet: before("msgpack", publishFrame({ id: 1, topic: TOPIC, records: [{ data: "1" }] })),
  },
  { id: "J33l", title: "ping before a token", outcome: "ok", meet: before("json", { op: "ping", id: 1 }) },
  ...[7, null, ["t"], undefined].map((token): HostileCase => ({
    id: "J33m",
    title: `auth with the token ${JSON.stringify(token)}`,
    outcome: "E bad_request",
    meet: before("json", { op: "auth", id: 1, token }),
  })),
  ...["", "Bearer", "Bearer ", `Basic ${ANA}`, ANA, `Bearer ${ANA} ${BOB}`].map((authorization): HostileCase => ({
    id: "J33n",
    title: `Authorization: ${authorization === "" ? "empty" : authorization.slice(0, 12)}`,
    outcome: REJECTED,
    meet: (scene) => dialled(scene, "json", { headers: { Authorization: authorization } }),
  })),
  ...["", `?token=${ANA}`, `?access_token=${ANA}`, `?authorization=Bearer%20${ANA}`].map((query): HostileCase => ({
    id: "P14",
    title: `no token but in the query: ${query.slice(0, 15)}`,
    outcome: "H401 unauthorized",
    meet: (scene) => got(scene, `/v1/topics${query}`, {}),
  })),
  ...[
    "GET /v1/topics/t",
    "PUT /v1/topics/t",
    "DELETE /v1/topics/t",
    "GET /v1/topics/t/messages",
    "POST /v1/topics/t/messages",
    "GET /v1/topics/t/events",
    "GET /v1/connections",
    "GET /v1/subscriptions",
    "GET /metrics",
    "GET /nowhere",
  ].map((line): HostileCase => {
    const [method = "", path = ""] = line.split(" ");
    return {
      id: "J33o",
      title: `${line} without a token`,
      outcome: "H401 unauthorized",
      meet: (scene) => got(scene, path, { method }),
    };
  }),
];

const SIZE_CASES: readonly HostileCase[] = [
  {
    id: "K4a",
    title: "a token of 1 MiB in auth",
    outcome: REJECTED,
    meet: before("json", { op: "auth", id: 1, token: "t".repeat(1_048_576) }),
  },
  ...textCases([
    {
      id: "K4b",
      title: "a token of 1 MiB as a header",
      // uWebSockets.js answers by itself, and counts nothing.
      outcome: { uws: "H431", ws: "H431 bad_request" },
      mayLoseAnswer: true,
      sent: inPieces(head("GET /v1/topics", `Authorization: Bearer ${"t".repeat(1_048_576)}`)),
    },
  ]),
];

const HOLDER_CASES: readonly HostileCase[] = [
  {
    id: "J25",
    title: "another holder's producer id: a producer of its own",
    outcome: "ok",
    meet: async ({ hub }) => {
      const publish = (token: string, data: number): Promise<{ json: Readonly<Record<string, unknown>> }> =>
        askJson(
          hub,
          "POST",
          `/v1/topics/${TOPIC}/messages`,
          { data, producer: { id: "p", sequence: 0 } },
          bearer(token),
        );
      const [ana, bob, again] = [await publish(ANA, 1), await publish(BOB, 2), await publish(BOB, 2)];
      expect([ana.json["offset"], bob.json["offset"], again.json["offset"]]).toEqual([0, 1, 1]);
      expect([bob.json["duplicate"], again.json["duplicate"]]).toEqual([undefined, true]);
      return "ok";
    },
  },
  {
    id: "K10",
    title: "auth with another holder's token on a live connection",
    outcome: "E forbidden",
    meet: async (scene) => {
      await using client = await JsonClient.connect(scene.hub.wsUrl, { headers: bearer(ANA) });
      return (await exchange(scene, client, { op: "auth", id: 1, token: BOB })).outcome;
    },
  },
  {
    id: "K13",
    title: "one token on 50 connections: all are served, and told apart by address and holder",
    outcome: "ok",
    meet: async ({ hub }) => {
      const clients = await Promise.all(
        Array.from({ length: 50 }, () => JsonClient.connect(hub.wsUrl, { headers: bearer(BOB) })),
      );
      const { json } = await ask(hub, "/v1/connections?limit=1000", { headers: bearer(ANA) });
      const rows = json["connections"] as { subject: string; remoteAddress: string }[];
      expect(rows.filter(({ subject }) => subject === "bob")).toHaveLength(clients.length);
      expect(new Set(rows.map(({ remoteAddress }) => remoteAddress))).toEqual(new Set(["127.0.0.1"]));
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
      return "ok";
    },
  },
];

export const TOKENS: readonly HostileCase[] = [...WRONG_CASES, ...EARLY_CASES, ...SIZE_CASES, ...HOLDER_CASES];

/** K14: neither token stands in anything that the hub has said. */
export async function expectSecret(hub: TestHub): Promise<void> {
  await using client = await JsonClient.open(hub.wsUrl, {
    protocols: ["ringcast.v1.json", `bearer.${ANA}`],
  });
  const { stdout, stderr } = hub.output();
  const paths = ["/", "/demo", "/metrics", "/v1/connections", "/v1/subscriptions", "/v1/topics", "/healthz", "/readyz"];
  const answers = await Promise.all(paths.map((path) => ask(hub, path, { headers: bearer(ANA) })));
  const said = [stdout, stderr, client.socket.protocol, JSON.stringify(await client.next())];
  said.push(JSON.stringify(await client.request({ op: "auth", token: ANA })));
  for (const { text, headers } of answers) said.push(text, JSON.stringify(headers));
  for (const text of said) {
    for (const token of [ANA, BOB]) expect(text.includes(token.slice(0, 20))).toBe(false);
  }
}
