/** W: bytes that are no WebSocket, or more of it than is good for anybody. */
import { deflateRawSync } from "node:zlib";
import { ask } from "../../support/http-request.js";
import type { TransportName } from "../../support/transports.js";
import { maskedFrame, type FrameBits } from "../../support/raw-client.js";
import { until } from "../../support/until.js";
import type { HostileCase, Outcome, Scene } from "../case.js";
import { framesCases, metOn, openWebSocket, textFrame, type FramesCase } from "../raw.js";
import { TOPIC } from "../session.js";
import { wipe } from "../traces.js";

/** Limits that these tables are made for. */
export const MAX_FRAME_BYTES = 65_536;
export const MAX_MESSAGE_BYTES = 16_384;
export const IDLE_TIMEOUT_MS = 1_500;

export const WEB_SOCKET_ARGS = [
  ...["--max-frame-bytes", String(MAX_FRAME_BYTES)],
  ...["--max-message-bytes", String(MAX_MESSAGE_BYTES)],
] as const;
export const SLOW_ARGS = [
  ...WEB_SOCKET_ARGS,
  ...["--idle-timeout-ms", String(IDLE_TIMEOUT_MS)],
  ...["--ping-interval-ms", "300"],
] as const;

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10] as const;

type PerTransport = Readonly<Record<TransportName, Outcome>>;

/** uWebSockets.js hangs up without a word, ws says why. */
const PROTOCOL_ERROR: PerTransport = { uws: "DROP", ws: "CLOSE 1002" };
const NOT_UTF8: PerTransport = { uws: "DROP", ws: "CLOSE 1007" };
const FAR_TOO_LARGE: PerTransport = { uws: "DROP", ws: "CLOSE 1009" };
/** A close frame that says nothing legal is answered by one that says nothing. */
const BAD_CLOSE: PerTransport = { uws: "CLOSE 1005", ws: "CLOSE 1002" };

const PING_REQUEST = JSON.stringify({ op: "ping", id: 1 });

function frame(opcode: number, payload: Uint8Array | string = "", bits: Omit<FrameBits, "opcode"> = {}): Buffer {
  return maskedFrame({ ...bits, opcode }, payload);
}

/** The head of a frame that announces more than follows. */
function announced(bytes: bigint): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(bytes);
  return Buffer.concat([Buffer.from([0x80 | BINARY, 0xff]), length, Buffer.alloc(4)]);
}

function closeFrame(code: number, reason: Uint8Array | string = ""): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([payload, Buffer.from(reason)]));
}

/** A publish of exactly so many bytes as a frame. */
function publishOf(bytes: number): string {
  const empty = JSON.stringify({ op: "publish", id: 1, topic: TOPIC, data: "" });
  return JSON.stringify({ op: "publish", id: 1, topic: TOPIC, data: "x".repeat(bytes - empty.length) });
}

/** A message of `size` bytes in three fragments, one packet. */
function inThree(size: number): Buffer {
  const text = Buffer.from(publishOf(size));
  const third = Math.ceil(size / 3);
  return Buffer.concat([
    frame(TEXT, text.subarray(0, third), { fin: false }),
    frame(CONTINUATION, text.subarray(third, 2 * third), { fin: false }),
    frame(CONTINUATION, text.subarray(2 * third)),
  ]);
}

function many(count: number, bytes: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}

const RESERVED: readonly FramesCase[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
  id: `W4-${opcode}`,
  title: `opcode ${opcode}`,
  outcome: PROTOCOL_ERROR,
  sent: [frame(opcode, PING_REQUEST)],
}));

const CONTROL: readonly FramesCase[] = [
  ["ping", PING],
  ["pong", PONG],
  ["close", CLOSE],
].flatMap(([name, opcode]) => [
  {
    id: `W5-${name}`,
    title: `${name} in fragments`,
    outcome: PROTOCOL_ERROR,
    sent: [frame(opcode as number, "ab", { fin: false }), frame(CONTINUATION, "cd")],
  },
  {
    id: `W6-${name}`,
    title: `${name} of 126 bytes`,
    outcome: PROTOCOL_ERROR,
    sent: [frame(opcode as number, Buffer.alloc(126))],
  },
]);

/** 16 MiB of zeros. */
const BOMB = deflateRawSync(Buffer.alloc(16 * 1024 * 1024));
const HALF = frame(TEXT, PING_REQUEST.slice(0, 5), { fin: false });
const GLYPH = Buffer.from(JSON.stringify({ op: "ping", id: "\u{10300}" }));
const CUT_AT = GLYPH.indexOf(0xf0) + 2;

const FRAMES: readonly FramesCase[] = [
  {
    id: "W2",
    title: "RSV1 where nothing is compressed",
    outcome: PROTOCOL_ERROR,
    sent: [frame(TEXT, PING_REQUEST, { rsv: 4 })],
  },
  { id: "W3a", title: "RSV2", outcome: PROTOCOL_ERROR, sent: [frame(TEXT, PING_REQUEST, { rsv: 2 })] },
  { id: "W3b", title: "RSV3", outcome: PROTOCOL_ERROR, sent: [frame(TEXT, PING_REQUEST, { rsv: 1 })] },
  ...RESERVED,
  ...CONTROL,
  { id: "W7a", title: "a continuation of nothing", outcome: PROTOCOL_ERROR, sent: [frame(CONTINUATION, PING_REQUEST)] },
  { id: "W7b", title: "a text inside a text", outcome: PROTOCOL_ERROR, sent: [HALF, frame(TEXT, PING_REQUEST)] },
  {
    id: "W7c",
    title: "a binary inside a text, which uWebSockets.js takes for its rest",
    outcome: { uws: "X bad_frame/1008", ws: "CLOSE 1002" },
    sent: [HALF, frame(BINARY, PING_REQUEST)],
  },
  { id: "W8a", title: "no UTF-8", outcome: NOT_UTF8, sent: [frame(TEXT, Buffer.from([0xf0, 0x90, 0xff]))] },
  { id: "W8b", title: "a surrogate in UTF-8", outcome: NOT_UTF8, sent: [frame(TEXT, Buffer.from([0xed, 0xa0, 0x80]))] },
  {
    id: "W8c",
    title: "no UTF-8, cut where it begins to be none",
    outcome: NOT_UTF8,
    sent: [frame(TEXT, Buffer.from([0xf0, 0x90]), { fin: false }), frame(CONTINUATION, Buffer.from([0x80, 0xff]))],
  },
  {
    id: "W8d",
    title: "a character cut by the end of a fragment",
    outcome: "ok",
    sent: [frame(TEXT, GLYPH.subarray(0, CUT_AT), { fin: false }), frame(CONTINUATION, GLYPH.subarray(CUT_AT))],
  },
  { id: "W9a", title: "a length of 2^63", outcome: FAR_TOO_LARGE, sent: [announced(2n ** 63n)] },
  { id: "W9b", title: "a length of 2^64-1", outcome: FAR_TOO_LARGE, sent: [announced(2n ** 64n - 1n)] },
  { id: "W9c", title: "a length of 2^53", outcome: FAR_TOO_LARGE, sent: [announced(2n ** 53n)] },
  {
    id: "W10a",
    title: "a message over maxMessageBytes",
    outcome: "E too_large",
    sent: [textFrame({ op: "publish", id: 1, topic: TOPIC, data: "x".repeat(MAX_MESSAGE_BYTES - 1) })],
  },
  {
    id: "W10b",
    title: "a frame over maxFrameBytes",
    outcome: "X too_large/1009",
    sent: [textFrame(publishOf(MAX_FRAME_BYTES + 1))],
  },
  {
    id: "W10c",
    title: "a frame far over maxFrameBytes, by its head alone",
    outcome: FAR_TOO_LARGE,
    sent: [announced(BigInt(2 * MAX_FRAME_BYTES + 1))],
  },
  {
    id: "W11a",
    title: "three fragments, together over maxFrameBytes",
    outcome: "X too_large/1009",
    sent: [inThree(MAX_FRAME_BYTES + 1)],
  },
  {
    id: "W11b",
    title: "three fragments, together far over maxFrameBytes",
    outcome: FAR_TOO_LARGE,
    sent: [inThree(2 * MAX_FRAME_BYTES + 1)],
  },
  {
    id: "W12b",
    title: "fragments of one byte, each among pongs",
    outcome: "DROP",
    sent: [frame(BINARY, "x", { fin: false }), many(20, many(100, frame(PONG, Buffer.alloc(125))))],
  },
  {
    id: "W12c",
    title: "a message in 2,000 fragments",
    outcome: { uws: "ok", ws: "CLOSE 1008" },
    sent: [
      Buffer.concat([
        frame(TEXT, "", { fin: false }),
        many(1_998, frame(CONTINUATION, "", { fin: false })),
        frame(CONTINUATION, PING_REQUEST),
      ]),
    ],
  },
  {
    id: "W13a",
    title: "a bomb of permessage-deflate",
    outcome: PROTOCOL_ERROR,
    sent: [frame(BINARY, BOMB, { rsv: 4 })],
  },
  {
    id: "W13b",
    title: "a bomb of permessage-deflate that was offered",
    outcome: PROTOCOL_ERROR,
    headers: { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" },
    sent: [frame(BINARY, BOMB, { rsv: 4 })],
  },
  { id: "W14a", title: "a close frame of one byte", outcome: BAD_CLOSE, sent: [frame(CLOSE, "x")] },
  ...[999, 1005, 1006, 5000].map((code) => ({
    id: `W14-${code}`,
    title: `close code ${code}`,
    outcome: BAD_CLOSE,
    sent: [closeFrame(code)],
  })),
  {
    id: "W14b",
    title: "a close reason that is no UTF-8",
    outcome: { uws: "CLOSE 1005", ws: "CLOSE 1007" },
    sent: [closeFrame(1000, Buffer.from([0xff, 0xfe]))],
  },
  { id: "W15a", title: "10,000 pings", outcome: "DROP", sent: [many(10_000, frame(PING))] },
  { id: "W15b", title: "10,000 pongs that nobody asked for", outcome: "DROP", sent: [many(10_000, frame(PONG))] },
  {
    id: "W15c",
    title: "10,000 pings with data",
    outcome: "DROP",
    sent: [many(10_000, frame(PING, Buffer.alloc(125)))],
  },
  {
    id: "W15d",
    title: "500 pings at once, which ws doesn't answer",
    outcome: { uws: "ok", ws: "DROP" },
    sent: [many(500, frame(PING, "x"))],
  },
  { id: "W15e", title: "50 pings at once", outcome: "ok", sent: [many(50, frame(PING, "x"))] },
];

export const WEB_SOCKET: readonly HostileCase[] = [
  ...framesCases(FRAMES),
  { id: "W17", title: "publishes without reading a reply", outcome: "CLOSE 4408", meet: neverRead },
];

/** Those that end when the hub has waited long enough. */
export const SLOW_WEB_SOCKET: readonly HostileCase[] = [
  ...framesCases([
    {
      id: "W1",
      title: "a frame without a mask",
      outcome: { uws: "CLOSE 1001", ws: "CLOSE 1002" },
      sent: [frame(TEXT, PING_REQUEST, { isMasked: false })],
      isUnfinished: true,
    },
    {
      id: "W12a",
      title: "100,000 empty fragments of a message without end",
      outcome: { uws: "CLOSE 1001", ws: "CLOSE 1008" },
      sent: [frame(BINARY, "", { fin: false }), many(100_000, frame(CONTINUATION, "", { fin: false }))],
      isUnfinished: true,
    },
    {
      id: "W16b",
      title: "half a frame",
      outcome: "CLOSE 1001",
      sent: [announced(BigInt(MAX_FRAME_BYTES)), Buffer.alloc(MAX_FRAME_BYTES / 2)],
      isUnfinished: true,
    },
  ]),
  { id: "W16a", title: "a frame of which a byte comes now and then", outcome: "CLOSE 1001", meet: dribble },
];

async function dribble({ hub }: Scene): Promise<Outcome> {
  using client = await openWebSocket(hub);
  client.send(announced(BigInt(MAX_FRAME_BYTES)));
  const drip = setInterval(() => client.send("x"), 50);
  try {
    return await metOn(hub, client, { isUnfinished: true });
  } finally {
    clearInterval(drip);
  }
}

/** Enough that what the kernel keeps of the replies is full, and a megabyte more. */
const UNREAD_PUBLISHES = 30_000;

async function neverRead({ hub }: Scene): Promise<Outcome> {
  using client = await openWebSocket(hub);
  client.socket.pause();
  // Both stand in each reply.
  const [id, topic] = ["x".repeat(64), "unread".padEnd(200, "x")];
  client.send(many(UNREAD_PUBLISHES, textFrame({ op: "publish", id, topic, data: 1 })));
  await until("the hub has had enough", async () =>
    /closed_total\{code="4408"\} 1/.test((await ask(hub, "/metrics")).text),
  );
  client.socket.resume();
  await client.closed();
  await wipe(hub);
  return await metOn(hub, client, { isUnfinished: true });
}
