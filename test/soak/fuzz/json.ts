/** Frames, bodies and events of the JSON dialect, with JSON.parse as the judge. */
import { isDeepStrictEqual } from "node:util";
import { DEFAULT_LIMITS, decodeHubFrame, decodePublishBody, decodeRequest, RingcastError } from "@ringcast/protocol";
import { demand, fuzzed, type Fuzzed } from "./fuzzed.js";
import { mutantsOf, textMutantsOf } from "./mutants.js";

const REQUESTS = [
  `{"op":"publish","id":1,"topic":"orders","data":{"n":[1,2.5e3,-0,null,true,"a\\u00e9\\n"]},"key":"c-17","headers":{"k":"v"}}`,
  `{ "op" : "publish", "id":"x", "topic":"a.b", "messages":[{"data":1,"key":"k"},{"data":{"$bytes":"AAEC"}}], "partition":3 }`,
  `{"op":"publish","id":2,"topic":"t","data":"x","producer":{"id":"p","sequence":7},"durability":"synced"}`,
  `{"op":"subscribe","id":3,"topic":"orders","from":{"positions":{"0":{"epoch":"k7Qx","offset":42}}},"until":"head","window":10}`,
  `{"op":"subscribe","id":4,"pattern":"a.*.>","from":{"topics":{"a.b":{"0":{"epoch":"e","offset":1}}},"others":{"last":5}},"filter":{"keys":["a"],"headers":{"h":["x","y"]}},"verify":true}`,
  `{"op":"ack","subscription":7,"partition":0,"offset":141}`,
  `{"op":"history","id":5,"topic":"orders","from":{"time":1763600000000},"until":{"offset":9},"limit":1000}`,
  `{"op":"auth","id":6,"token":"\\ud83d\\ude00"}{"op":"ping"}`,
];
const FRAMES = [
  `{"op":"messages","subscription":7,"topic":"t","partition":0,"epoch":"k","next":44,"messages":[{"offset":42,"timestamp":1,"key":"c","headers":{"k":"v"},"data":{"n":1}}]}`,
  `{"op":"gap","subscription":7,"topic":"t","partition":0,"from":1,"to":4,"reason":"retention","epoch":"k","next":5}`,
  `{"op":"error","id":1,"code":"bad_request","message":"m","details":{"field":"window"}}`,
  `{"op":"history","id":5,"messages":[],"partition":0,"next":{"epoch":"k","offset":4},"head":4,"tail":0}`,
];

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

function parsed(bytes: Uint8Array): Parsed {
  try {
    return { ok: true, value: JSON.parse(strict.decode(bytes)) as unknown };
  } catch {
    return { ok: false };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether JSON, no object, or an operation; then its data is that of JSON.parse. */
function judgeRequest(bytes: Uint8Array): boolean {
  const outcome = decodeRequest(bytes, DEFAULT_LIMITS);
  const reference = parsed(bytes);
  const expected = !reference.ok
    ? 1007
    : isObject(reference.value) && typeof reference.value["op"] === "string"
      ? undefined
      : 1008;
  const closeCode = outcome.ok ? undefined : outcome.closeCode;
  demand(closeCode === expected, "closed with, expected", closeCode, expected);
  if (!outcome.ok) {
    demand(!/[\p{Cc}\p{Cf}]/u.test(outcome.error.message), "an unsafe echo", outcome.error.message);
    return false;
  }
  const { request } = outcome;
  const value = (reference as { value: Record<string, unknown> }).value;
  demand(request.op === value["op"], "another operation", request.op, value["op"]);
  demand(request.op === "ack" || request.id === value["id"], "another id", request.id, value["id"]);
  if (request.op !== "publish") return true;
  const wanted = request.batch ? (value["messages"] as { data: unknown }[]).map(({ data }) => data) : [value["data"]];
  demand(wanted.length === request.messages.length, "another number of messages", wanted.length);
  request.messages.forEach(({ contentType, data }, index) => {
    const stored =
      contentType === 1 ? parsed(data) : { ok: true, value: { $bytes: Buffer.from(data).toString("base64") } };
    demand(isDeepStrictEqual(stored, { ok: true, value: wanted[index] }), "other data", stored, wanted[index]);
  });
  return true;
}

function judgeBody(bytes: Uint8Array): boolean {
  const reference = parsed(bytes);
  const isRequest = reference.ok && isObject(reference.value);
  try {
    const { messages } = decodePublishBody(bytes, DEFAULT_LIMITS);
    demand(isRequest && messages.length > 0, "taken, though it is no object");
    return true;
  } catch (error) {
    if (!(error instanceof RingcastError)) throw error;
    demand((error.code === "bad_frame") === !isRequest, "refused with", error.code);
    return false;
  }
}

function judgeHubFrame(text: string): boolean {
  const frame = decodeHubFrame(text);
  if (frame !== undefined) demand(typeof frame.op === "string", "a frame without op", frame);
  return frame !== undefined;
}

export const JSON_DECODERS: readonly Fuzzed[] = [
  fuzzed("JSON requests", mutantsOf(REQUESTS.map((text) => Buffer.from(text))), judgeRequest),
  fuzzed("JSON bodies", mutantsOf(REQUESTS.map((text) => Buffer.from(text))), judgeBody),
  fuzzed("JSON frames of the hub", textMutantsOf(FRAMES), judgeHubFrame),
];
