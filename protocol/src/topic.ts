/**
 * Names of topics and patterns over them: the rules, and whether a pattern matches a name.
 *
 * @see docs/protocol.md, "Topics and patterns"
 */
import { RingcastError, shown } from "./errors.js";
import { utf8Length } from "./utf8.js";

/** Longest name of a topic or pattern, in bytes of UTF-8. */
export const MAX_TOPIC_BYTES = 255;

/** Names that begin with this belong to the hub. */
const HUB_MARK = "$";

const FIRST = String.raw`[A-Za-z0-9_\-~:@+\p{L}\p{Nd}]`;
const LEVEL = String.raw`${FIRST}[A-Za-z0-9_\-~:@+\p{L}\p{M}\p{Nd}]*`;
const TOPIC = /*#__PURE__*/ new RegExp(String.raw`^\$?${LEVEL}(?:\.${LEVEL})*$`, "u");
const PATTERN = /*#__PURE__*/ new RegExp(String.raw`^(?:>|(?:\*|\$?${LEVEL})(?:\.(?:\*|${LEVEL}))*(?:\.>)?)$`, "u");

/** Names of lower-case letters and dots alone, the usual ones, are judged without the tables of Unicode. */
const PLAIN_TOPIC = /^[a-z]+(?:\.[a-z]+)*$/;

/** Names that were found good, so that a publisher's topic is judged once. */
const writable = /*#__PURE__*/ new Set<string>();
const MOST_REMEMBERED = 1_024;

/** Whether a text is a legal topic name; names of the hub's own (`$…`) are. */
export function isTopic(name: string): boolean {
  return hasLegalLength(name) && (PLAIN_TOPIC.test(name) || TOPIC.test(name));
}

/** Whether a text is a legal pattern; a topic name without wildcards is one too. */
export function isPattern(pattern: string): boolean {
  return hasLegalLength(pattern) && PATTERN.test(pattern);
}

/** Whether a legal topic name belongs to the hub (`$…`): subscribing is allowed, publishing and configuring is `forbidden`. */
export function isHubTopic(name: string): boolean {
  return name.startsWith(HUB_MARK);
}

/**
 * Returns the value where it is a legal topic name.
 * @throws RingcastError `invalid_topic`
 */
export function checkTopic(name: string): string {
  if (isTopic(name)) return name;
  throw new RingcastError(
    "invalid_topic",
    `${shown(name)} is no topic name: use 1 to 255 bytes of levels separated by ".", each of letters, digits and _ - ~ : @ +.`,
  );
}

/**
 * Returns the value where it is a legal topic name that clients may write to.
 * @throws RingcastError `invalid_topic`; `forbidden` for a name of the hub's own
 */
export function checkWritableTopic(name: string): string {
  if (writable.has(name)) return name;
  if (!isHubTopic(checkTopic(name))) {
    if (writable.size === MOST_REMEMBERED) writable.clear();
    writable.add(name);
    return name;
  }
  throw new RingcastError(
    "forbidden",
    `${shown(name)} belongs to the hub: choose a name that does not begin with "$".`,
  );
}

/**
 * Returns the value where it is a legal pattern.
 * @throws RingcastError `invalid_topic`
 */
export function checkPattern(pattern: string): string {
  if (isPattern(pattern)) return pattern;
  throw new RingcastError(
    "invalid_topic",
    `${shown(pattern)} is no pattern: use a topic name where a whole level may be "*" and the last one ">".`,
  );
}

/**
 * Whether a legal pattern matches a legal topic name. `*` stands for exactly one level, a last `>` for one or more. Names of the hub's
 * own are matched only by a pattern whose first level is that literal. Time grows with the shorter of both, nothing is allocated.
 */
export function matchesPattern(pattern: string, topic: string): boolean {
  if (isHubTopic(topic) && !isHubTopic(pattern)) return false;
  let at = 0;
  let place = 0;
  for (;;) {
    const symbol = pattern[at];
    if (symbol === ">") return true;
    const end = levelEnd(topic, place);
    if (symbol === "*") {
      at += 1;
    } else {
      const length = levelEnd(pattern, at) - at;
      if (length !== end - place || !topic.startsWith(pattern.slice(at, at + length), place)) return false;
      at += length;
    }
    const patternEnds = at >= pattern.length;
    const topicEnds = end >= topic.length;
    if (patternEnds || topicEnds) return patternEnds && topicEnds;
    at += 1;
    place = end + 1;
  }
}

function levelEnd(name: string, from: number): number {
  const dot = name.indexOf(".", from);
  return dot < 0 ? name.length : dot;
}

function hasLegalLength(name: string): boolean {
  if (name.length === 0 || name.length > MAX_TOPIC_BYTES) return false;
  return name.length * 3 <= MAX_TOPIC_BYTES || utf8Length(name) <= MAX_TOPIC_BYTES;
}
