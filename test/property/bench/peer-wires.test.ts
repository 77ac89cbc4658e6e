import fc from "fast-check";
import { expect, it } from "vitest";
import { createWire as createMqtt } from "../../../bench/peers/wires/mqtt.js";
import { createWire as createNats } from "../../../bench/peers/wires/nats.js";
import { createWire as createPubSub } from "../../../bench/peers/wires/redis-pubsub.js";
import { createWire as createStreams } from "../../../bench/peers/wires/redis-streams.js";
import type { Sink, Wire } from "../../../server/src/cli/bench/wire.js";

/** What a server says: an answer to the greeting, to a subscription and to a publish of one record, and a delivery. */
interface Server {
  readonly wire: Wire;
  readonly ready: string;
  readonly subscribed: string;
  readonly acknowledged?: string;
  readonly delivered: (payload: string, number: number) => string;
  /** Where deliveries stand among others. */
  readonly around?: (deliveries: readonly string[]) => string;
}

const NOISE = "MSG 12 1 PUB \r\n$5\r\n*3\r\n\x80\xff";

const SERVERS: Record<string, Server> = {
  "NATS over TCP": natsServer({ ability: "echo", framing: "stream" }, "+OK\r\n"),
  "NATS over WebSocket": natsServer({ ability: "fanout", framing: "websocket" }),
  JetStream: {
    ...natsServer(
      { ability: "ingest", framing: "stream" },
      'MSG _INBOX.1.acks 0 29\r\n{"stream":"a_b","seq":123456}\r\n',
    ),
    subscribed: 'MSG _INBOX.1.api 1000000 12\r\n{"config":0}\r\n',
    delivered: (payload, number) =>
      (number % 3 === 0 ? "HMSG _INBOX.1.1 1 $JS.FC.a 16 16\r\nNATS/1.0 100 FC\n\r\n" : "") +
      `MSG a.b 1 $JS.ACK.a_b.1.${number}.7.99 ${payload.length}\r\n${payload}\r\n`,
  },
  "MQTT over WebSocket": {
    wire: createMqtt({}),
    ready: "\x20\x02\0\0",
    subscribed: "\x90\x03\0\x01\0",
    delivered: (payload) => `\x30${mqttLength(payload.length + 5)}\0\x03a.b${payload}`,
  },
  "Redis pub/sub": {
    wire: createPubSub({}),
    ready: "+PONG\r\n",
    subscribed: "*3\r\n$9\r\nsubscribe\r\n$3\r\na.b\r\n:1\r\n",
    acknowledged: ":3\r\n",
    delivered: (payload) => `*3\r\n$7\r\nmessage\r\n$3\r\na.b\r\n$${payload.length}\r\n${payload}\r\n`,
  },
  "Redis streams": {
    wire: createStreams({ keep: 10, count: 10 }),
    ready: "+PONG\r\n",
    subscribed: "+PONG\r\n",
    acknowledged: "$15\r\n1700000000000-0\r\n",
    delivered: (payload, number) =>
      `*2\r\n$15\r\n1700000000000-${number % 10}\r\n*2\r\n$1\r\nd\r\n$${payload.length}\r\n${payload}\r\n`,
    around: (entries) => `*1\r\n*2\r\n$3\r\na.b\r\n*${entries.length}\r\n${entries.join("")}`,
  },
};

it.each(Object.entries(SERVERS))("%s: counts every record and answer, wherever what comes is cut", (_name, server) => {
  const payload = fc.oneof(fc.constant(""), fc.constant(NOISE), fc.string({ unit: "binary-ascii", maxLength: 300 }));
  const said = fc.record({
    payloads: fc.array(payload, { minLength: 1, maxLength: 20 }),
    publishes: fc.nat(5),
    cuts: fc.array(fc.nat(4_000), { maxLength: 30 }),
    isExact: fc.boolean(),
  });
  fc.assert(fc.property(said, (what) => converse(server, what)));
});

interface Said {
  readonly payloads: readonly string[];
  readonly publishes: number;
  readonly cuts: readonly number[];
  readonly isExact: boolean;
}

function converse(server: Server, { payloads, publishes, cuts, isExact }: Said): void {
  const counts = { ready: 0, subscribed: 0, acknowledged: 0, delivered: 0 };
  const found: string[] = [];
  let part: Uint8Array = new Uint8Array(0);
  const sink: Sink = {
    isExact,
    ready: () => counts.ready++,
    subscribed: () => counts.subscribed++,
    acknowledged: (answered) => (counts.acknowledged += answered),
    delivered: (records, at) => {
      const number = (counts.delivered += records) - 1;
      if (at !== -1) found.push(textAt(part, at, payloads[number]?.length ?? -1));
      if (at !== -1) expect(found.at(-1)).toBe(payloads[number]);
    },
    lost: () => expect.unreachable(),
    reply: () => undefined,
    failed: (reason) => expect.unreachable(reason),
  };
  const connection = server.wire.connect(sink);
  connection.greeting();
  connection.subscribe("a.b", 1, "latest");
  const answers = server.acknowledged === undefined ? 0 : publishes;
  for (let count = 0; count < answers; count++) connection.publish("a.b", Buffer.from("x"), 1);
  const deliveries = payloads.map(server.delivered);
  const text =
    server.ready +
    server.subscribed +
    (server.acknowledged ?? "").repeat(answers) +
    (server.around?.(deliveries) ?? deliveries.join(""));
  let rest = Buffer.alloc(0);
  for (const piece of cutAt(Buffer.from(text, "latin1"), cuts)) {
    part = server.wire.takesParts === true ? piece : Buffer.concat([Buffer.from("junk"), rest, piece]);
    const start = server.wire.takesParts === true ? 0 : 4;
    const used = connection.receive(part, start, part.length);
    rest = Buffer.from(part.subarray(used));
  }
  expect(rest.length).toBe(0);
  expect(counts).toEqual({ ready: 1, subscribed: 1, acknowledged: answers, delivered: payloads.length });
  if (isExact && server.wire.takesParts !== true) expect(found).toEqual(payloads);
}

function natsServer(options: object, acknowledged?: string): Server {
  return {
    wire: createNats(options),
    ready: 'INFO {"server_id":"x","port":1}\r\nPONG\r\n',
    subscribed: "PONG\r\n",
    ...(acknowledged === undefined ? {} : { acknowledged }),
    delivered: (payload, number) =>
      `${number % 4 === 3 ? "PING\r\n" : ""}MSG a.b 1 ${payload.length}\r\n${payload}\r\n`,
  };
}

function mqttLength(length: number): string {
  return length < 128 ? String.fromCharCode(length) : String.fromCharCode((length & 127) | 128, length >> 7);
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.subarray(at, at + length)).toString("latin1");
}

function cutAt(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const cuts = [...new Set(places.map((place) => place % bytes.length))].toSorted((a, b) => a - b);
  return [...cuts, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : cuts[index - 1], end));
}
