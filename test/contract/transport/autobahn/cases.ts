/**
 * Autobahn's cases of the groups 1 to 5, 7 and 10, with their numbers, as a table. What a transport may do beside what the suite calls strict stands in it by name.
 *
 * @see https://github.com/crossbario/autobahn-testsuite and RFC 6455 sections 5 to 7
 */
import {
  BINARY,
  chopped,
  CLOSE,
  CONTINUATION,
  echoes,
  ends,
  fragments,
  frame,
  PING,
  PONG,
  shownFrame,
  TEXT,
  together,
  type AutobahnCase,
  type End,
  type PerTransport,
  type Step,
} from "./case.js";

/** uWebSockets.js hangs up without a word; ws says why. */
const PROTOCOL_ERROR: PerTransport<End> = { uws: "cut", ws: "close 1002" };
/** A close frame that says nothing legal: uWebSockets.js answers with one that says nothing. */
const BAD_CLOSE: PerTransport<End> = { uws: "close", ws: "close 1002" };

const HELLO = "Hello, world!";
const OCTETS = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);
const MIXED = Buffer.from("ceba e1bdb9 cf83 cebc ceb5 eda080 656469746564".replaceAll(" ", ""), "hex");

/** What is echoed of good messages before a bad frame in the same packet: uWebSockets.js throws it away with the connection. */
function beforeTheError(...replies: string[]): PerTransport<readonly string[]> {
  return { uws: [], ws: replies };
}

function closeFrame(code: number, reason: Uint8Array | string = ""): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([bytes, Buffer.from(reason)]));
}

const FRAMING = [...framed(1, TEXT, "*"), ...framed(2, BINARY, "\xfe")];

function framed(group: number, opcode: number, octet: string): AutobahnCase[] {
  const kind = opcode === TEXT ? "text" : "binary";
  const lengths = [0, 125, 126, 127, 128, 65_535, 65_536];
  const cases = lengths.map((length, at) => {
    const payload = Buffer.alloc(length, octet, "latin1");
    return echoes(
      `1.${group}.${at + 1}`,
      `${kind} of ${length} bytes`,
      [frame(opcode, payload)],
      [shownFrame(opcode, payload)],
    );
  });
  const last = Buffer.alloc(65_536, octet, "latin1");
  const steps = chopped(frame(opcode, last), 997);
  return [...cases, echoes(`1.${group}.8`, `${kind} of 65536 bytes, 997 at a time`, steps, [shownFrame(opcode, last)])];
}

const PINGS = [
  pinged("2.1", "ping without payload", ""),
  pinged("2.2", "ping with text", HELLO),
  pinged("2.3", "ping with octets that are no UTF-8", OCTETS),
  pinged("2.4", "ping of 125 bytes", Buffer.alloc(125, 0xfe)),
  ends("2.5", "ping of 126 bytes", [frame(PING, Buffer.alloc(126, 0xfe))], PROTOCOL_ERROR),
  pinged("2.6", "ping of 125 bytes, one at a time", Buffer.alloc(125, 0xfe), 1),
  echoes("2.7", "pong unasked", [frame(PONG)], []),
  echoes("2.8", "pong unasked, with payload", [frame(PONG, "unsolicited pong payload")], []),
  echoes(
    "2.9",
    "pong unasked, then a ping",
    together(frame(PONG, "unsolicited pong payload"), frame(PING, "ping payload")),
    [shownFrame(PONG, "ping payload")],
  ),
  manyPings("2.10", "ten pings", Infinity),
  manyPings("2.11", "ten pings, one byte at a time", 1),
];

function pinged(number: string, title: string, payload: Uint8Array | string, size = Infinity): AutobahnCase {
  const bytes = frame(PING, payload);
  return echoes(number, title, size === Infinity ? [bytes] : chopped(bytes, size), [shownFrame(PONG, payload)]);
}

function manyPings(number: string, title: string, size: number): AutobahnCase {
  const payloads = Array.from({ length: 10 }, (_, at) => `payload-${at}`);
  const bytes = Buffer.concat(payloads.map((payload) => frame(PING, payload)));
  const steps = size === Infinity ? [bytes] : chopped(bytes, size);
  return echoes(
    number,
    title,
    steps,
    payloads.map((payload) => shownFrame(PONG, payload)),
  );
}

const RESERVED_BITS = [
  ends("3.1", "text with RSV 1", [frame(TEXT, HELLO, { rsv: 1 })], PROTOCOL_ERROR),
  afterHello("3.2", "RSV 2 behind a message, in one packet", frame(TEXT, HELLO, { rsv: 2 }), "one packet"),
  afterHello("3.3", "RSV 3 behind a message", frame(TEXT, HELLO, { rsv: 3 }), "a packet each"),
  afterHello("3.4", "RSV 4 behind a message, one byte at a time", frame(TEXT, HELLO, { rsv: 4 }), "a packet a byte"),
  ends("3.5", "binary with RSV 5", [frame(BINARY, OCTETS, { rsv: 5 })], PROTOCOL_ERROR),
  ends("3.6", "ping with RSV 6", [frame(PING, HELLO, { rsv: 6 })], PROTOCOL_ERROR),
  ends("3.7", "close with RSV 7", [frame(CLOSE, "", { rsv: 7 })], PROTOCOL_ERROR),
];

type Packets = "one packet" | "a packet each" | "a packet a byte";

/** A message, something illegal, and a ping that must not be answered. */
function afterHello(number: string, title: string, bad: Buffer, packets: Packets): AutobahnCase {
  const [hello, ping] = [frame(TEXT, HELLO), frame(PING)];
  const echoed = shownFrame(TEXT, HELLO);
  if (packets === "one packet") {
    return ends(number, title, together(hello, bad, ping), PROTOCOL_ERROR, beforeTheError(echoed));
  }
  const steps: readonly Step[] =
    packets === "a packet each"
      ? [hello, 1, bad, ping]
      : [...chopped(hello, 1), 1, ...chopped(bad, 1), ...chopped(ping, 1)];
  return ends(number, title, steps, PROTOCOL_ERROR, [echoed]);
}

const OPCODES = [...reserved(1, [3, 4, 5, 6, 7]), ...reserved(2, [11, 12, 13, 14, 15])];

function reserved(group: number, opcodes: readonly number[]): AutobahnCase[] {
  const number = (at: number): string => `4.${group}.${at + 1}`;
  const payloads = ["", "reserved opcode payload", "", HELLO, HELLO];
  return opcodes.map((opcode, at) => {
    const bad = frame(opcode, payloads[at]);
    if (at < 2) return ends(number(at), `opcode ${opcode}`, [bad], PROTOCOL_ERROR);
    const packets = at === 4 ? "a packet a byte" : "one packet";
    return afterHello(number(at), `opcode ${opcode} behind a message, ${packets}`, bad, packets);
  });
}

const TWO = ["fragment1", "fragment2"];
const WHOLE = shownFrame(TEXT, TWO.join(""));
const [FIRST, SECOND] = fragments(TEXT, TWO) as [Buffer, Buffer];
const ASIDE = frame(PING, "ping payload");
const NOTHING_TO_CONTINUE = "non-continuation payload";

const FRAGMENTATION = [
  ends("5.1", "ping in two fragments", together(...fragments(PING, TWO)), PROTOCOL_ERROR),
  ends("5.2", "pong in two fragments", together(...fragments(PONG, TWO)), PROTOCOL_ERROR),
  echoes("5.3", "text in two fragments, one packet", together(FIRST, SECOND), [WHOLE]),
  echoes("5.4", "text in two fragments, a packet each", [FIRST, SECOND], [WHOLE]),
  echoes("5.5", "text in two fragments, a packet a byte", chopped(Buffer.concat([FIRST, SECOND]), 1), [WHOLE]),
  aside("5.6", "one packet", (frames) => together(...frames)),
  aside("5.7", "a packet each", (frames) => frames),
  aside("5.8", "a packet a byte", (frames) => chopped(Buffer.concat(frames), 1)),
  ...nothingToContinue(9, true),
  ...nothingToContinue(12, false),
  ends(
    "5.15",
    "a message in two fragments, a continuation of nothing, a message",
    together(FIRST, SECOND, frame(CONTINUATION, "fragment3", { fin: false }), frame(TEXT, "fragment4")),
    PROTOCOL_ERROR,
    beforeTheError(WHOLE),
  ),
  ends("5.16", "twice a continuation of nothing, and a message", twiceContinued(false), PROTOCOL_ERROR),
  ends("5.17", "twice a final continuation of nothing, and a message", twiceContinued(true), PROTOCOL_ERROR),
  ends(
    "5.18",
    "two fragments, both as text",
    together(frame(TEXT, "fragment1", { fin: false }), frame(TEXT, "fragment2")),
    PROTOCOL_ERROR,
  ),
  pingsBetween("5.19", "pings between five fragments are answered at once", (frames) => together(...frames)),
  pingsBetween("5.20", "pings between five fragments are answered at once, a packet each", (frames) => [...frames]),
];

function aside(number: string, packets: string, sent: (frames: Buffer[]) => Buffer[]): AutobahnCase {
  const replies = [shownFrame(PONG, "ping payload"), WHOLE];
  return echoes(number, `a ping between two fragments, ${packets}`, sent([FIRST, ASIDE, SECOND]), replies);
}

/** Three cases: in one packet, in a packet each, in a packet a byte. */
function nothingToContinue(from: number, fin: boolean): AutobahnCase[] {
  const frames = [frame(CONTINUATION, NOTHING_TO_CONTINUE, { fin }), frame(TEXT, HELLO)];
  const title = `a ${fin ? "final " : ""}continuation of nothing, then a message`;
  const all = [together(...frames), frames, chopped(Buffer.concat(frames), 1)];
  const packets = ["one packet", "a packet each", "a packet a byte"];
  return all.map((steps, at) => ends(`5.${from + at}`, `${title}, ${packets[at] ?? ""}`, steps, PROTOCOL_ERROR));
}

function twiceContinued(fin: boolean): Buffer[] {
  const once = [frame(CONTINUATION, "fragment1", { fin }), ...fragments(TEXT, ["fragment2", "fragment3"])];
  return together(...once, ...once);
}

function pingsBetween(number: string, title: string, sent: (frames: readonly Buffer[]) => Buffer[]): AutobahnCase {
  const payloads = ["fragment1", "fragment2", "fragment3", "fragment4", "fragment5"];
  const pings = ["pongme 1!", "pongme 2!"].map((payload) => frame(PING, payload)) as [Buffer, Buffer];
  const [one, two, three, four, five] = fragments(TEXT, payloads) as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const steps = [...sent([one, two, pings[0]]), 1, ...sent([three, four, pings[1], five])];
  const replies = [shownFrame(PONG, "pongme 1!"), shownFrame(PONG, "pongme 2!"), shownFrame(TEXT, payloads.join(""))];
  return echoes(number, title, steps, replies);
}

const NORMAL = closeFrame(1000);
/** Codes of libraries and frameworks, which uWebSockets.js answers with a close frame that has none. */
const UNECHOED: ReadonlySet<number> = new Set([3000, 3999]);

const CLOSING = [
  echoes("7.1.1", "a message, then a close frame", [frame(TEXT, "Hello World!")], [shownFrame(TEXT, "Hello World!")]),
  ends("7.1.2", "two close frames", together(NORMAL, frame(CLOSE)), "close 1000"),
  ends("7.1.3", "a ping behind a close frame", together(NORMAL, frame(PING)), "close 1000"),
  ends("7.1.4", "a message behind a close frame", together(NORMAL, frame(TEXT, "Hello World!")), "close 1000"),
  ends("7.1.5", "a close frame between two fragments", together(FIRST, NORMAL, SECOND), "close 1000"),
  ends(
    "7.1.6",
    "256 KiB, a message, a close frame, a ping",
    together(frame(TEXT, long()), frame(TEXT, "Hello World!"), NORMAL, frame(PING)),
    "close 1000",
    [shownFrame(TEXT, long()), shownFrame(TEXT, "Hello World!")],
  ),
  ends("7.3.1", "a close frame without payload", [frame(CLOSE)], "close"),
  ends("7.3.2", "a close frame of one byte", [frame(CLOSE, "a")], BAD_CLOSE),
  ends("7.3.3", "a close frame with a code", [NORMAL], "close 1000"),
  ends("7.3.4", "a close frame with code and reason", [closeFrame(1000, "Hello World!")], "close 1000"),
  ends("7.3.5", "a close frame with a reason of 123 bytes", [closeFrame(1000, "*".repeat(123))], "close 1000"),
  ends("7.3.6", "a close frame with a reason of 124 bytes", [closeFrame(1000, "*".repeat(124))], PROTOCOL_ERROR),
  ends("7.5.1", "a close frame with a reason that is no UTF-8", [closeFrame(1000, MIXED)], {
    uws: "close",
    ws: "close 1007",
  }),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code, at) =>
    ends(`7.7.${at + 1}`, `close code ${code}`, [closeFrame(code)], {
      uws: UNECHOED.has(code) ? "close" : `close ${code}`,
      ws: `close ${code}`,
    }),
  ),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((code, at) =>
    ends(`7.9.${at + 1}`, `close code ${code}, which is none`, [closeFrame(code)], BAD_CLOSE),
  ),
  ends("7.13.1", "close code 5000", [closeFrame(5000)], BAD_CLOSE),
  ends("7.13.2", "close code 65535", [closeFrame(65_535)], BAD_CLOSE),
];

function long(): Buffer {
  return Buffer.alloc(256 * 1024, "BAsd7&jh23");
}

const STARS = Buffer.alloc(65_536, "*");

const AUTO_FRAGMENTATION = [
  echoes("10.1.1", "65536 bytes in fragments of 1300", together(...fragments(TEXT, chopped(STARS, 1_300))), [
    shownFrame(TEXT, STARS),
  ]),
];

/** All but the cases of UTF-8. */
export const CASES: readonly AutobahnCase[] = [
  ...FRAMING,
  ...PINGS,
  ...RESERVED_BITS,
  ...OPCODES,
  ...FRAGMENTATION,
  ...CLOSING,
  ...AUTO_FRAGMENTATION,
];
