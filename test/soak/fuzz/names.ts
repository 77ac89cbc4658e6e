/** Names, patterns, positions, filters and queries: what people and browsers write, against the rule written in another way. */
import {
  checkPattern,
  checkTopic,
  formatEventId,
  formatPosition,
  matchesPattern,
  parseEventId,
  parsePosition,
  readFilter,
} from "@ringcast/protocol";
import { isDeepStrictEqual } from "node:util";
import { Query, segmentsOf } from "../../../server/src/http/query.js";
import { demand, fuzzed, type Fuzzed } from "./fuzzed.js";
import { textMutantsOf } from "./mutants.js";

const TOPICS = [
  "orders",
  "orders.new.eu",
  "caf\u00e9.\u0430\u0301",
  "$hub.connections",
  "a-b_c~d:e@f+g.0",
  "x".repeat(255),
];
const PATTERNS = ["orders.*", "orders.>", ">", "*.new.*", "$hub.>", "a.*.>", "*"];
const POSITIONS = ["k7Qx.42", "0.0", "a-b_C.9007199254740991"];
const EVENT_IDS = ["0.k7Qx.42", "0.k7Qx.42,1.k7Qx.7,1023.e.0"];
const FILTERS = [
  `{"keys":["a","b"]}`,
  `{"headers":{"type":["x","y"],"":["z"]},"keys":["k"],"x":1}`,
  `{"headers":{"__proto__":["x"]}}`,
];
const QUERIES = [
  "from=earliest&partition=0&limit=100",
  "from=time:1763600000000&until=head&filter=%7B%22keys%22%3A%5B%22a%22%5D%7D",
  "from=last:10&until=time:9&limit=5&limit=6",
  "a=%C3%A9+x&a&=b&&from=42&until=7",
];
const PATHS = ["/v1/topics/orders/messages", "/v1/topics/caf%C3%A9%2Fx", "/v1/topics/..%2F..%2Fetc", "//%00"];

const LEVEL = /^[A-Za-z0-9_\-~:@+\p{L}\p{Nd}][A-Za-z0-9_\-~:@+\p{L}\p{M}\p{Nd}]*$/u;

/** The rule of docs/protocol.md, level by level. */
function isName(text: string, { wild }: { readonly wild: boolean }): boolean {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0 || bytes > 255 || /\p{Cs}/u.test(text)) return false;
  const levels = text.split(".");
  return levels.every((level, index) => {
    if (wild && level === "*") return true;
    if (wild && level === ">") return index === levels.length - 1;
    return LEVEL.test(index === 0 && level.startsWith("$") ? level.slice(1) : level);
  });
}

function judgeTopic(text: string): boolean {
  const isLegal = isName(text, { wild: false });
  const refusal = refusalOf(() => checkTopic(text));
  demand(isLegal === (refusal === undefined), "judged otherwise", text);
  return isLegal;
}

function judgePattern(text: string): boolean {
  const isLegal = isName(text, { wild: true });
  demand(isLegal === (refusalOf(() => checkPattern(text)) === undefined), "judged otherwise", text);
  if (!isLegal) return false;
  for (const topic of TOPICS) {
    demand(matchesPattern(text, topic) === matches(text, topic), "matches otherwise", text, topic);
  }
  return true;
}

/** The meaning of wildcards, level by level. */
function matches(pattern: string, topic: string): boolean {
  if (topic.startsWith("$") && !pattern.startsWith("$")) return false;
  const wanted = pattern.split(".");
  const levels = topic.split(".");
  const isOpen = wanted.at(-1) === ">";
  if (isOpen ? levels.length < wanted.length : levels.length !== wanted.length) return false;
  return wanted.every((level, index) => level === "*" || level === ">" || level === levels[index]);
}

function refusalOf(check: () => unknown): unknown {
  try {
    check();
    return undefined;
  } catch (error) {
    return error;
  }
}

function judgePosition(text: string): boolean {
  demand(formatPosition(parsePosition(text)) === text, "comes back otherwise", text);
  return true;
}

function judgeEventId(text: string): boolean {
  demand(formatEventId(parseEventId(text)) === text, "comes back otherwise", text);
  return true;
}

function judgeFilter(text: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  const filter = readFilter(value);
  demand(isDeepStrictEqual(readFilter(filter), filter), "isn't its own reading", filter);
  return true;
}

function judgeQuery(text: string): boolean {
  const query = new Query(text);
  // The reference drops one question mark in front.
  const reference = new URLSearchParams(`?${text}`);
  for (const name of ["from", "until", "limit", "a"]) {
    const all = reference.getAll(name);
    if (all.length > 1) demand(refusalOf(() => query.text(name)) !== undefined, "taken twice", text);
    else demand(query.text(name) === all[0], "read otherwise", text, query.text(name), all[0]);
  }
  query.integer("limit", { min: 1, max: 1_000, absent: 100 });
  query.start("latest");
  query.until();
  query.filter();
  return true;
}

function judgePath(text: string): boolean {
  const segments = segmentsOf(text);
  demand(segments.length === text.slice(1).split("/").length, "taken apart otherwise", text, segments);
  return true;
}

export const NAME_DECODERS: readonly Fuzzed[] = [
  fuzzed("topics", textMutantsOf(TOPICS), judgeTopic),
  fuzzed("patterns", textMutantsOf(PATTERNS), judgePattern),
  fuzzed("positions", textMutantsOf(POSITIONS), judgePosition),
  fuzzed("event ids", textMutantsOf(EVENT_IDS), judgeEventId),
  fuzzed("filters", textMutantsOf(FILTERS), judgeFilter),
  fuzzed("queries", textMutantsOf(QUERIES), judgeQuery),
  fuzzed("paths", textMutantsOf(PATHS), judgePath),
];
