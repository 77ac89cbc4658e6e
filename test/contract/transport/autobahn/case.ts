/** One of Autobahn's cases, how it is written down, and how it is tried. */
import { createHash } from "node:crypto";
import type { TransportName } from "../../../support/transports.js";
import { dialWebSocket, maskedFrame, readFrames, type FrameBits, type RawClient } from "../../../support/raw-client.js";

export const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10] as const;

/**
 * Bytes are written in a packet of their own. A number waits until the peer has sent so many frames. `open?` looks whether the peer, having read everything, still
 * holds the connection open, and takes that down like a frame.
 */
export type Step = Buffer | number | "open?";

/** How the connection ends: with a close frame (and its code, if it has one), or without. */
export type End = "cut" | "close" | `close ${number}`;

export type PerTransport<T> = T | Readonly<Record<TransportName, T>>;

export interface AutobahnCase {
  /** As in Autobahn's suite. */
  readonly number: string;
  readonly title: string;
  readonly steps: readonly Step[];
  /** What the peer sends, in the notation of {@link shownFrame}. */
  readonly replies: PerTransport<readonly string[]>;
  readonly end: PerTransport<End>;
  /** The connection is well, and it is for the client to close it when all replies have come. */
  readonly isClosedByUs: boolean;
}

/** What came of a case: the frames of the peer, then the end. */
export type Met = readonly string[];

/** Everything comes back, and then a close frame is answered. */
export function echoes(
  number: string,
  title: string,
  steps: readonly Step[],
  replies: readonly string[],
): AutobahnCase {
  return { number, title, steps, replies, end: "close 1000", isClosedByUs: true };
}

/** The peer ends the connection, maybe after some replies. */
export function ends(
  number: string,
  title: string,
  steps: readonly Step[],
  end: PerTransport<End>,
  replies: PerTransport<readonly string[]> = [],
): AutobahnCase {
  return { number, title, steps, replies, end, isClosedByUs: false };
}

export function frame(opcode: number, payload: Uint8Array | string = "", bits: Omit<FrameBits, "opcode"> = {}): Buffer {
  return maskedFrame({ ...bits, opcode }, typeof payload === "string" ? Buffer.from(payload) : payload);
}

/** A message in fragments: the first has the opcode, the last ends it. */
export function fragments(opcode: number, payloads: readonly (Uint8Array | string)[]): Buffer[] {
  return payloads.map((payload, at) =>
    frame(at === 0 ? opcode : CONTINUATION, payload, { fin: at === payloads.length - 1 }),
  );
}

/** The same bytes in packets of so many. */
export function chopped(bytes: Uint8Array, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(Buffer.from(bytes.subarray(at, at + size)));
  return pieces;
}

/** Everything in one packet. */
export function together(...frames: readonly Buffer[]): Buffer[] {
  return [Buffer.concat(frames)];
}

const KINDS: Readonly<Record<number, string>> = {
  [TEXT]: "text",
  [BINARY]: "binary",
  [PING]: "ping",
  [PONG]: "pong",
};
const SHOWN_BYTES = 40;

/** `text "short"`, `binary 65536 bytes 1f0c…`, `close 1000`; a reason isn't shown. */
export function shownFrame(opcode: number, payload: Uint8Array | string): string {
  const bytes = Buffer.from(payload);
  if (opcode === CLOSE) return bytes.length < 2 ? "close" : `close ${bytes.readUInt16BE()}`;
  const kind = KINDS[opcode] ?? `opcode ${opcode}`;
  if (bytes.length <= SHOWN_BYTES) return `${kind} ${JSON.stringify(bytes.toString("latin1"))}`;
  return `${kind} ${bytes.length} bytes ${createHash("sha1").update(bytes).digest("hex").slice(0, 8)}`;
}

export function expectedOf({ replies, end }: AutobahnCase, transport: TransportName): Met {
  return [...of(replies, transport), of(end, transport)];
}

/** Tries a case on the echo behind a port. */
export async function tryCase(port: number, each: AutobahnCase, transport: TransportName): Promise<Met> {
  const expected = of(each.replies, transport).length;
  using client = await dialWebSocket(port);
  const looks: number[] = [];
  for (const step of each.steps) {
    if (step === "open?") {
      await settle(port);
      if (!client.isClosed) looks.push(readFrames(client.received).length);
    } else if (typeof step === "number") {
      await client.when(`${step} replies have come`, () => client.isClosed || countFrames(client) >= step);
    } else {
      client.send(step);
      await nextTurn();
    }
  }
  if (each.isClosedByUs) {
    await client.when("the replies have come", () => client.isClosed || countFrames(client) >= expected, 60_000);
    client.send(frame(CLOSE, Buffer.from([0x03, 0xe8])));
  }
  await client.closed();
  return shownAll(client, looks);
}

/** @param looks after how many frames the connection was seen to be open still */
function shownAll(client: RawClient, looks: readonly number[]): string[] {
  const shown: string[] = readFrames(client.received).map(({ opcode, payload }) => shownFrame(opcode, payload));
  for (const at of looks.toReversed()) shown.splice(at, 0, "open");
  return shown.at(-1)?.startsWith("close") === true ? shown : [...shown, "cut"];
}

function countFrames(client: RawClient): number {
  return readFrames(client.received).length;
}

/** Another connection is served meanwhile, from end to end: what has come before has been looked at. */
async function settle(port: number): Promise<void> {
  using other = await dialWebSocket(port);
  other.send(frame(PING));
  await other.when("another connection is served", () => countFrames(other) > 0);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function of<T>(value: PerTransport<T>, transport: TransportName): T {
  return isPerTransport(value) ? value[transport] : value;
}

function isPerTransport<T>(value: PerTransport<T>): value is Readonly<Record<TransportName, T>> {
  return typeof value === "object" && value !== null && "uws" in value && "ws" in value;
}
