/** Limits of the wire contract: those that an operator may change, with their defaults, and those that are fixed. */
import type { Limits, TopicConfig } from "./operations.js";

/** The defaults that `welcome` announces. */
export const DEFAULT_LIMITS: Limits = {
  maxMessageBytes: 1_048_576,
  maxFrameBytes: 4_194_304,
  maxSubscriptions: 5_000,
  maxWindow: 100_000,
  maxInflight: 1_024,
  maxBatch: 10_000,
  idleTimeoutMs: 60_000,
  pingIntervalMs: 25_000,
};

/** A topic for which nothing else is configured. */
export const DEFAULT_TOPIC_CONFIG: TopicConfig = {
  partitions: 1,
  storage: "file",
  capacityBytes: 16_777_216,
  retentionMs: 0,
  retentionRecords: 0,
  durability: "stored",
};

export const MAX_PARTITIONS = 1_024;
export const MIN_CAPACITY_BYTES = 65_536;
/** Nesting of JSON values: `[]` has depth 1. */
export const MAX_DEPTH = 128;
export const MAX_KEY_BYTES = 1_024;
export const MAX_HEADERS = 64;
export const MAX_HEADER_NAME_BYTES = 128;
/** Names and values of one message's headers together. */
export const MAX_HEADERS_BYTES = 16_384;
/** Names of headers that begin with this belong to the hub. */
export const HUB_HEADER_PREFIX = "ringcast-";
export const MAX_PRODUCER_ID_BYTES = 128;
/** Characters of a request id that is a string. */
export const MAX_ID_LENGTH = 64;
/** Messages on a page of `history`. */
export const MAX_HISTORY_LIMIT = 1_000;
export const DEFAULT_HISTORY_LIMIT = 100;
/** Positions that one `from` may name, over all topics. */
export const MAX_RESUME_POSITIONS = 100_000;
/** Keys and header values that one `filter` may name together. */
export const MAX_FILTER_TERMS = 1_000;
/**
 * Values that a field of a request may hold which is read as a whole, `from` apart: several times what any needs. Hundreds of thousands of names would keep a parser
 * busy for a second.
 */
export const MAX_FIELD_VALUES = 5_000;
/** The last instant that a Date can hold, milliseconds since 1970. */
export const MAX_TIME_MS = 8_640_000_000_000_000;
