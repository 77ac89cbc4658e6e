/** Drives cases that are bytes: frames on a WebSocket, and requests as text. */
import { expect } from "vitest";
import { isErrorCode, type ErrorCode } from "@ringcast/protocol";
import type { TestHub } from "../support/hub.js";
import { dial, dialWebSocket, handshakeHead, maskedFrame, readFrames, type RawClient } from "../support/raw-client.js";
import type { TransportName } from "../support/transports.js";
import type { HostileCase, Outcome, Scene } from "./case.js";
import { noteRefusal } from "./traces.js";

type Hub = TestHub;
type Headers = Readonly<Record<string, string | undefined>>;

const TEXT = 1;
const CLOSE = 8;
/** A close frame without a code stands for this one. RFC 6455 section 7.1.5 */
const NO_CODE = 1005;

/** Within this the hub answers or cuts, unless the case is to wait for a time-out. */
const AT_ONCE_MS = 2_000;
const TIME_OUT_MS = 15_000;

// ---- WebSocket -------------------------------------------------------------------------------------------------------

export interface FramesCase {
  readonly id: string;
  readonly title: string;
  readonly outcome: HostileCase["outcome"];
  /** Written one after the other, in packets of their own. */
  readonly sent: readonly Uint8Array[];
  /** Headers of the handshake, beside those it needs. */
  readonly headers?: Headers;
  /** The hub is to wait for more, and to give up: nothing is sent behind it to see whether the connection lives on. */
  readonly isUnfinished?: true;
}

export function framesCases(cases: readonly FramesCase[]): HostileCase[] {
  const bytesOf = ({ sent }: FramesCase): number => sent.reduce((sum, { length }) => sum + length, 0);
  return cases.map((each) => ({ ...each, sentBytes: bytesOf(each), meet: (scene) => meetFrames(scene, each) }));
}

/** A WebSocket of the hub without the library; the `welcome` is taken. */
export async function openWebSocket(hub: Hub, headers: Headers = {}): Promise<RawClient> {
  const client = await dialWebSocket(hub.port, { Host: hostOf(hub), ...headers });
  await client.when("the welcome comes", () => readFrames(client.received).length > 0);
  const [welcome] = readFrames(client.received);
  const headBytes = (welcome?.payload.length ?? 0) < 126 ? 2 : 4;
  client.received = client.received.subarray(headBytes + (welcome?.payload.length ?? 0));
  return client;
}

export function textFrame(text: string | object): Buffer {
  return maskedFrame({ opcode: TEXT }, typeof text === "string" ? text : JSON.stringify(text));
}

let probes = 0;

async function meetFrames({ hub }: Scene, { sent, headers, isUnfinished }: FramesCase): Promise<Outcome> {
  using client = await openWebSocket(hub, headers);
  for (const bytes of sent) {
    client.send(bytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return await metOn(hub, client, { isUnfinished: isUnfinished === true });
}

/** How it was met what has been sent on a connection: answered, or the end of it. */
export async function metOn(
  hub: Hub,
  client: RawClient,
  { isUnfinished, timeoutMs }: { readonly isUnfinished: boolean; readonly timeoutMs?: number },
): Promise<Outcome> {
  const id = `probe ${++probes}`;
  const pong = `{"op":"pong","id":"${id}"`;
  if (!isUnfinished) client.send(textFrame({ op: "ping", id }));
  const isAnswered = (): boolean => !isUnfinished && client.text.includes(pong);
  const isOver = (): boolean => client.isClosed || isAnswered() || closeIn(client) !== undefined;
  await client.when("the hub answers or hangs up", isOver, timeoutMs ?? (isUnfinished ? TIME_OUT_MS : AT_ONCE_MS));
  const errors = readFrames(client.received).flatMap(({ opcode, payload }) =>
    opcode === TEXT ? errorIn(hub, payload) : [],
  );
  const [error] = errors;
  const close = closeIn(client);
  if (isAnswered()) return error === undefined ? "ok" : `E ${error}`;
  if (error !== undefined) return `X ${error}/${close ?? 1006}`;
  return close === undefined ? "DROP" : `CLOSE ${close}`;
}

/** The code of the hub's close frame, which nobody answers here. */
function closeIn(client: RawClient): number | undefined {
  const payload = readFrames(client.received).find(({ opcode }) => opcode === CLOSE)?.payload;
  if (payload === undefined) return undefined;
  return payload.length < 2 ? NO_CODE : payload.readUInt16BE();
}

function errorIn(hub: Hub, payload: Buffer): ErrorCode[] {
  const { op, code } = JSON.parse(payload.toString()) as { op?: string; code?: string };
  if (op !== "error" || !isErrorCode(code)) return [];
  noteRefusal(hub, "websocket", code);
  return [code];
}

// ---- HTTP ------------------------------------------------------------------------------------------------------------

/** Stands for the hub's own host and port in the text of a request. */
export const HUB = "<hub>";

export interface TextCase {
  readonly id: string;
  readonly title: string;
  readonly outcome: HostileCase["outcome"];
  /** As it is sent, Latin-1, with {@link HUB} where the hub's own address belongs; several are packets of their own. */
  readonly sent: string | readonly string[];
  /** The connection ends behind the one answer: nothing that stood behind the request is carried out. */
  readonly isLast?: true;
  /** What the answer holds, head and body together. */
  readonly answer?: RegExp;
  /** What the answer doesn't hold. */
  readonly without?: RegExp;
  /** Longer than {@link AT_ONCE_MS}. */
  readonly timeoutMs?: number;
  readonly patientOver?: readonly TransportName[];
  /** uWebSockets.js answers by itself, without a code, when a route has begun to read: the route counts it. */
  readonly isCountedUnseen?: true;
  /** The library answers by itself and hangs up with much unread: now and then the reset overtakes its answer. */
  readonly mayLoseAnswer?: true;
}

/** In pieces, so that the sender looks up between them: one that fails in writing doesn't read what has come. */
export function inPieces(request: string): string[] {
  return request.match(/[\s\S]{1,32768}/g) ?? [];
}

/** Attempts after which an answer that may be lost has been read. */
const MOST_LOST = 5;

export function textCases(cases: readonly TextCase[]): HostileCase[] {
  const bytesOf = ({ sent }: TextCase): number => (typeof sent === "string" ? sent : sent.join("")).length;
  return cases.map((each) => ({ ...each, sentBytes: bytesOf(each), meet: (scene) => meetRead(scene, each) }));
}

async function meetRead(scene: Scene, each: TextCase): Promise<Outcome> {
  let outcome = await meetText(scene, each);
  for (let lost = 1; outcome === "DROP" && each.mayLoseAnswer === true && lost < MOST_LOST; lost++) {
    noteLost(scene, each);
    outcome = await meetText(scene, each);
  }
  return outcome;
}

/** The hub has counted the answer that nobody read. */
function noteLost({ hub, transport }: Scene, { outcome }: TextCase): void {
  const code = (typeof outcome === "string" ? outcome : outcome[transport]).split(" ")[1];
  if (isErrorCode(code)) noteRefusal(hub, "http", code);
}

/** The head of a request, `Host` included. */
export function head(line: string, ...headers: readonly string[]): string {
  return `${line} HTTP/1.1\r\n${[`Host: ${HUB}`, ...headers].map((header) => `${header}\r\n`).join("")}\r\n`;
}

/** A whole request with a body of a known length. */
export function withBody(line: string, body: string, ...headers: readonly string[]): string {
  return `${head(line, ...headers, `Content-Length: ${Buffer.byteLength(body, "latin1")}`)}${body}`;
}

/** The head of a handshake; see {@link handshakeHead}. */
export function handshake(headers: Headers = {}, line?: string): string {
  return handshakeHead({ Host: HUB, ...headers }, line);
}

async function meetText({ hub, transport }: Scene, each: TextCase): Promise<Outcome> {
  const { sent, isLast, answer, without, timeoutMs } = each;
  using client = await dial(hub.port);
  for (const text of typeof sent === "string" ? [sent] : sent) {
    if (each.mayLoseAnswer === true && client.text !== "") break;
    client.send(text.replaceAll(HUB, hostOf(hub)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const limitMs = timeoutMs ?? AT_ONCE_MS;
  await client.when("the hub answers or hangs up", () => client.isClosed || isAnswered(client), limitMs);
  if (isLast === true) {
    await client.closed(limitMs);
    expect(client.text.match(/HTTP\/1\.1 \d{3} /g) ?? []).toHaveLength(client.text === "" ? 0 : 1);
  }
  if (answer !== undefined) expect(client.text).toMatch(answer);
  if (without !== undefined) expect(client.text).not.toMatch(without);
  if (each.isCountedUnseen === true && transport === "uws") noteRefusal(hub, "http", "bad_request");
  return outcomeOf(hub, client);
}

/** How the first answer on a connection meets what was asked. */
export function outcomeOf(hub: Hub, client: RawClient): Outcome {
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(client.text)?.[1] ?? 0);
  if (status === 0) return "DROP";
  if (status < 400) return "ok";
  const code = /"code":"([a-z_]+)"/.exec(client.text)?.[1];
  if (!isErrorCode(code)) return `H${status}`;
  expect(client.text).toMatch(/"message":"(?:[^"\\]|\\.)+\."/);
  noteRefusal(hub, "http", code);
  return `H${status} ${code}`;
}

/** Whether a whole answer has come; of one that has no length the head is enough. */
function isAnswered({ text }: RawClient): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\nContent-Length: (\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1];
  return text.length >= end + 4 + Number(length ?? 0);
}

function hostOf(hub: Hub): string {
  return `127.0.0.1:${hub.port}`;
}
