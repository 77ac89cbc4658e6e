/**
 * Validation of the control fields of requests: unknown values in, typed values or a RingcastError out. It is the same for every dialect;
 * `undefined` means that a field is absent, `null` is a wrong value like any other.
 *
 * @see docs/protocol.md, "Operations"
 */
import { RingcastError, shown } from "./errors.js";
import type { ErrorCode } from "./error-table.js";
import { readFilter } from "./filter.js";
import {
  DEFAULT_HISTORY_LIMIT,
  MAX_HISTORY_LIMIT,
  MAX_ID_LENGTH,
  MAX_PARTITIONS,
  MAX_PRODUCER_ID_BYTES,
  MAX_RESUME_POSITIONS,
  MAX_TIME_MS,
} from "./limits.js";
import type {
  AckRequest,
  Durability,
  HistoryRequest,
  Limits,
  PartitionPositions,
  ProducerSequence,
  PublishRequest,
  Request,
  RequestId,
  Start,
  SubscribeRequest,
  TopicStart,
  Until,
} from "./operations.js";
import { isEpoch, isOffset } from "./position.js";
import type { Position } from "./position.js";
import { refuseLaterDurability, refuseLaterFields } from "./refusals.js";
import { checkPattern, checkTopic, checkWritableTopic } from "./topic.js";
import { isWellFormed, utf8Length } from "./utf8.js";

/** Access to the control fields of one request, however it came. */
export interface RequestFields {
  /** Whether the field is present, `null` included. */
  has(field: string): boolean;
  /** The decoded value; undefined where the field is absent. */
  get(field: string): unknown;
}

/** The part of a publish that isn't messages. */
export type PublishOptions = Pick<PublishRequest, "partition" | "producer" | "durability">;

type ControlRequest = Exclude<Request, PublishRequest>;
type Reader = (id: RequestId, fields: RequestFields, limits: Limits) => ControlRequest;

/** Every operation but `publish`, whose messages each dialect finds in its own way, and `ack`, which needs no id. */
const READERS: ReadonlyMap<string, Reader> = /*#__PURE__*/ new Map<string, Reader>([
  ["subscribe", readSubscribe],
  ["unsubscribe", (id, fields) => ({ op: "unsubscribe", id, subscription: needed(fields, "subscription") })],
  ["history", readHistory],
  ["topic", (id, fields) => ({ op: "topic", id, topic: readTopic(fields) })],
  ["auth", (id, fields) => ({ op: "auth", id, token: readString(fields, "token") })],
  ["ping", (id) => ({ op: "ping", id })],
]);

/** Members of a start that is no word; it has one of them. */
const START_FORMS = ["offset", "positions", "time", "last"] as const;

/** Operations whose requests may leave out the id; an error then names the record instead. */
const SILENT_OPS: readonly string[] = ["ack", "settle"];

/** Whether a request of this operation may come without an id. */
export function mayLackId(op: string): boolean {
  return SILENT_OPS.includes(op);
}

/**
 * Reads the id of a request.
 *
 * @returns undefined where it is absent and may be
 * @throws RingcastError `bad_request`
 */
export function readId(op: string, fields: RequestFields): RequestId | undefined {
  const id = fields.get("id");
  if (id === undefined && mayLackId(op)) return undefined;
  if (isRequestId(id)) return id;
  throw badRequest(
    "id",
    `Give each request an "id": an integer from 0 or a string of at most ${MAX_ID_LENGTH} characters, not ${shown(id)}.`,
  );
}

/**
 * Reads any request but `publish`.
 *
 * @throws RingcastError `unknown_op`, `bad_request` with `details.field`, `invalid_topic`, `invalid_offset`, `too_many`
 */
export function readControlRequest(
  op: string,
  id: RequestId | undefined,
  fields: RequestFields,
  limits: Limits,
): ControlRequest {
  if (op === "ack") return readAck(id, fields);
  const read = READERS.get(op);
  if (read === undefined || id === undefined) {
    throw new RingcastError("unknown_op", `The hub has no operation ${shown(op)}: use one of docs/protocol.md.`);
  }
  refuseLaterFields(op, (field) => fields.has(field));
  return read(id, fields, limits);
}

/**
 * Reads the topic of a publish.
 * @throws RingcastError `bad_request`, `invalid_topic`, `forbidden` for a topic of the hub's own
 */
export function readPublishTopic(fields: RequestFields): string {
  return checkWritableTopic(readString(fields, "topic"));
}

/**
 * Reads what a publish asks for beside its messages.
 * @throws RingcastError `bad_request`
 */
export function readPublishOptions(fields: RequestFields): PublishOptions {
  return {
    partition: readPartition(fields),
    producer: readProducer(fields.get("producer")),
    durability: readDurability(fields.get("durability")),
  };
}

/**
 * Reads where a reader of one topic begins.
 * @throws RingcastError `bad_request` with `details.field` = `from`, `invalid_offset`, `too_many`
 */
function readTopicStart(value: unknown): TopicStart {
  if (value === "latest" || value === "earliest") return value;
  if (!isObject(value)) throw badStart(value);
  const form = onlyMember(value, START_FORMS);
  switch (form) {
    case "offset":
      return { offset: checkOffset(value["offset"]) };
    case "positions":
      return { positions: readPositions(value["positions"], budgetOf(MAX_PARTITIONS)) };
    case "time":
      return { time: checkTime(value["time"]) };
    case "last":
      return { last: checkLast(value["last"]) };
    default:
      throw badStart(value);
  }
}

function readSubscribe(id: RequestId, fields: RequestFields, limits: Limits): SubscribeRequest {
  const isPattern = fields.has("pattern");
  if (isPattern === fields.has("topic")) {
    throw badRequest(isPattern ? "pattern" : "topic", `Subscribe to either a "topic" or a "pattern".`);
  }
  const topic = isPattern ? undefined : readTopic(fields);
  const pattern = isPattern ? checkPattern(readString(fields, "pattern")) : undefined;
  const window = fields.get("window") ?? (fields.has("window") ? null : 0);
  if (!isOffset(window) || window > limits.maxWindow) {
    throw badRequest("window", `Give "window" as an integer from 0 to ${limits.maxWindow}, not ${shown(window)}.`);
  }
  const from = fields.has("from") ? fields.get("from") : "latest";
  const until = readUntil(fields.get("until"));
  if (isPattern && typeof until === "object" && "offset" in until) {
    throw badRequest("until", `End a pattern at "head" or a time: an offset belongs to one topic.`);
  }
  return {
    op: "subscribe",
    id,
    topic,
    pattern,
    from: isPattern ? readPatternStart(from) : readTopicStart(from),
    until,
    filter: readFilter(fields.get("filter")),
    verify: readVerify(fields.get("verify")),
    window,
  };
}

function readUntil(value: unknown): Until | undefined {
  if (value === undefined || value === "head") return value;
  const form = isObject(value) ? onlyMember(value, ["offset", "time"]) : undefined;
  if (isObject(value) && form === "offset") return { offset: checkOffset(value["offset"], "until") };
  if (isObject(value) && form === "time") return { time: checkTime(value["time"], "until") };
  throw badRequest("until", `Give "until" as "head" or an object with one of offset and time, not ${shown(value)}.`);
}

function readVerify(value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value === "boolean") return value;
  throw badRequest("verify", `Give "verify" as true or false, not ${shown(value)}.`);
}

function readPatternStart(value: unknown): Start {
  if (!isObject(value) || !Object.hasOwn(value, "topics")) return refuseSingle(readTopicStart(value));
  const topics = value["topics"];
  if (!isObject(topics)) throw badStart(value);
  const budget = budgetOf(MAX_RESUME_POSITIONS);
  const positions = Object.fromEntries(
    Object.entries(topics).map(([name, partitions]) => [checkTopic(name), readPositions(partitions, budget)]),
  );
  if (!Object.hasOwn(value, "others")) return { topics: positions };
  return { topics: positions, others: refuseSingle(readTopicStart(value["others"])) };
}

/** An offset, or positions without names, mean nothing where there may be many topics. */
function refuseSingle(start: TopicStart): TopicStart {
  if (typeof start === "string" || !("offset" in start || "positions" in start)) return start;
  throw badRequest("from", `Resume a pattern with "from":{"topics":{…}}: offsets and positions belong to one topic.`);
}

/** How many positions may still come. */
interface Budget {
  readonly limit: number;
  left: number;
}

function budgetOf(limit: number): Budget {
  return { limit, left: limit };
}

function readPositions(value: unknown, budget: Budget): PartitionPositions {
  if (!isObject(value)) throw badStart(value);
  const names = Object.keys(value);
  budget.left -= names.length;
  if (budget.left < 0) {
    const { limit } = budget;
    throw new RingcastError("too_many", `Give at most ${limit} positions in one from.`, { field: "from", limit });
  }
  const positions: Record<string, Position> = {};
  for (const name of names) positions[checkPartitionName(name)] = readPosition(value[name]);
  return positions;
}

function readPosition(value: unknown): Position {
  if (!isObject(value)) throw badStart(value);
  const epoch = value["epoch"];
  if (!isEpoch(epoch)) {
    throw badRequest("from", `Give each position its "epoch" as the hub told it, not ${shown(epoch)}.`);
  }
  return { epoch, offset: checkOffset(value["offset"]) };
}

function readAck(id: RequestId | undefined, fields: RequestFields): AckRequest {
  return {
    op: "ack",
    id,
    subscription: needed(fields, "subscription"),
    topic: fields.has("topic") ? readTopic(fields) : undefined,
    partition: readPartition(fields) ?? 0,
    offset: checkOffset(fields.get("offset"), "offset"),
  };
}

function readHistory(id: RequestId, fields: RequestFields): HistoryRequest {
  const limit = fields.has("limit") ? fields.get("limit") : DEFAULT_HISTORY_LIMIT;
  if (!isOffset(limit) || limit < 1 || limit > MAX_HISTORY_LIMIT) {
    throw badRequest("limit", `Give "limit" as an integer from 1 to ${MAX_HISTORY_LIMIT}, not ${shown(limit)}.`);
  }
  return {
    op: "history",
    id,
    topic: readTopic(fields),
    partition: readPartition(fields) ?? 0,
    from: readTopicStart(fields.get("from")),
    until: readUntil(fields.get("until")),
    filter: readFilter(fields.get("filter")),
    limit,
  };
}

function readTopic(fields: RequestFields): string {
  return checkTopic(readString(fields, "topic"));
}

function readProducer(value: unknown): ProducerSequence | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value)) {
    throw badRequest("producer", `Give "producer" as {"id":"…","sequence":n}, not ${shown(value)}.`);
  }
  return checkProducer(value["id"], value["sequence"]);
}

/**
 * Returns a producer's id and sequence that are legal.
 * @throws RingcastError `bad_request`
 */
export function checkProducer(id: unknown, sequence: unknown): ProducerSequence {
  if (typeof id !== "string" || id === "" || !isWellFormed(id) || utf8Length(id) > MAX_PRODUCER_ID_BYTES) {
    throw badRequest("producer.id", `Give a producer id of 1 to ${MAX_PRODUCER_ID_BYTES} bytes, not ${shown(id)}.`);
  }
  if (!isOffset(sequence)) {
    throw badRequest("producer.sequence", `Count producer sequences in integers from 0, not ${shown(sequence)}.`);
  }
  return { id, sequence };
}

function readDurability(value: unknown): Durability | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") refuseLaterDurability(value);
  if (value === "stored" || value === "synced") return value;
  throw badRequest("durability", `Ask for durability "stored" or "synced", not ${shown(value)}.`);
}

function readPartition(fields: RequestFields): number | undefined {
  return fields.has("partition") ? checkPartition(fields.get("partition")) : undefined;
}

/**
 * Returns a partition number that some topic may have.
 * @throws RingcastError `bad_request`
 */
export function checkPartition(partition: unknown): number {
  if (isOffset(partition) && partition < MAX_PARTITIONS) return partition;
  throw badRequest(
    "partition",
    `Give "partition" as an integer from 0 to ${MAX_PARTITIONS - 1}, not ${shown(partition)}.`,
  );
}

function readString(fields: RequestFields, field: string): string {
  const value = fields.get(field);
  if (typeof value === "string") return value;
  throw badRequest(field, `Give "${field}" as a string${field === "token" ? "" : `, not ${shown(value)}`}.`);
}

function needed(fields: RequestFields, field: string): number {
  const value = fields.get(field);
  if (isOffset(value)) return value;
  throw badRequest(field, `Give "${field}" as an integer from 0, not ${shown(value)}.`);
}

function checkPartitionName(name: string): string {
  if (/^(?:0|[1-9][0-9]{0,3})$/.test(name) && Number(name) < MAX_PARTITIONS) return name;
  throw badRequest("from", `Name partitions by their numbers, "0" to "${MAX_PARTITIONS - 1}", not ${shown(name)}.`);
}

function checkOffset(value: unknown, field = "from"): number {
  if (isOffset(value)) return value;
  if (value === undefined) throw badRequest(field, 'Give an "offset": it is missing.');
  const code: ErrorCode = "invalid_offset";
  throw new RingcastError(code, `Give offsets as integers from 0 to 2^53 - 1, not ${shown(value)}.`, { field });
}

function checkTime(value: unknown, field = "from"): number {
  if (isOffset(value) && value <= MAX_TIME_MS) return value;
  throw badRequest(field, `Give "time" as integer milliseconds since 1970, not ${shown(value)}.`);
}

function checkLast(value: unknown): number {
  if (isOffset(value) && value > 0) return value;
  throw badRequest("from", `Give "last" as an integer from 1, not ${shown(value)}.`);
}

function onlyMember<Name extends string>(
  value: Readonly<Record<string, unknown>>,
  names: readonly Name[],
): Name | undefined {
  let only: Name | undefined;
  for (const name of names) {
    if (!Object.hasOwn(value, name)) continue;
    if (only !== undefined) return undefined;
    only = name;
  }
  return only;
}

function isRequestId(value: unknown): value is RequestId {
  if (typeof value === "number") return isOffset(value);
  if (typeof value !== "string" || value.length > MAX_ID_LENGTH * 2) return false;
  return value.length <= MAX_ID_LENGTH || Array.from(value).length <= MAX_ID_LENGTH;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function badStart(value: unknown): RingcastError {
  return badRequest(
    "from",
    `Give "from" as "latest", "earliest" or an object with one of offset, positions, time and last, not ${shown(value)}.`,
  );
}

function badRequest(field: string, message: string): RingcastError {
  return new RingcastError("bad_request", message, { field });
}
