/** What a client may rely on in the frames of the hub, whatever dialect they came in. */
import { isErrorCode } from "../error-table.js";
import { RingcastError, shown } from "../errors.js";
import type { HubFrame } from "../operations.js";

/**
 * What a client relies on in each frame of the hub, as `name` and kind: `#` an integer ≥ 0, `$` a string, `{` an object, `[` a list;
 * an id may also be missing.
 */
const FRAMES: ReadonlyMap<string, string> = /*#__PURE__*/ new Map([
  ["welcome", "protocol# server$ connection$ instance$ limits{ time#"],
  ["published", "topic$"],
  ["subscribed", "subscription#"],
  ["unsubscribed", "subscription#"],
  ["matched", "subscription# topic$ partitions{"],
  ["messages", "subscription# topic$ partition# epoch$ next# messages["],
  ["gap", "subscription# topic$ partition# from# to# reason$ epoch$ next#"],
  ["ended", "subscription#"],
  ["acked", ""],
  ["history", "messages[ partition# next{ head# tail#"],
  ["topic", "topic{"],
  ["authenticated", "subject$"],
  ["pong", "time#"],
  ["draining", "reconnectAfterMs#"],
  ["error", "code$ message$"],
]);

/**
 * Judges a decoded frame.
 *
 * @param sent what the hub sent, for the message of the error
 * @returns undefined for an operation that this version doesn't know: a client ignores it
 * @throws RingcastError `bad_frame` for what no hub of this version sends
 */
export function checkHubFrame(frame: unknown, sent: unknown): HubFrame | undefined {
  if (!isObject(frame) || typeof frame["op"] !== "string") throw notUnderstood(sent);
  const members = FRAMES.get(frame["op"]);
  if (members === undefined) return undefined;
  if (members !== "" && !members.split(" ").every((member) => hasMember(frame, member))) throw notUnderstood(sent);
  if (frame["op"] === "messages" && !(frame["messages"] as unknown[]).every(isMessage)) throw notUnderstood(sent);
  // A code of a later version still has to mean something to this one.
  if (frame["op"] === "error" && !isErrorCode(frame["code"])) frame["code"] = "internal";
  return frame as unknown as HubFrame;
}

function hasMember(frame: Record<string, unknown>, member: string): boolean {
  const value = frame[member.slice(0, -1)];
  switch (member.at(-1)) {
    case "#":
      return isCount(value);
    case "$":
      return typeof value === "string";
    case "[":
      return Array.isArray(value);
    default:
      return isObject(value);
  }
}

function isMessage(value: unknown): boolean {
  return isObject(value) && isCount(value["offset"]) && isCount(value["timestamp"]) && "data" in value;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notUnderstood(sent: unknown): RingcastError {
  return new RingcastError("bad_frame", `The hub sent ${shown(sent)}, which this version does not understand.`);
}
