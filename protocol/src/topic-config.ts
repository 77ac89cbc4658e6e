/**
 * Configuration of a topic as it comes from outside: the body of `PUT /v1/topics/{topic}` and the entries of `topics` in the
 * configuration file. One table says what is legal.
 *
 * @see docs/protocol.md, "Starting it"
 */
import { RingcastError, shown } from "./errors.js";
import { MAX_PARTITIONS, MIN_CAPACITY_BYTES } from "./limits.js";
import { STORAGE_KINDS, TOPIC_DURABILITIES, type TopicConfig } from "./operations.js";

/** A typed array over more would not work on Node 20. */
const MAX_CAPACITY_BYTES = 2 ** 32 - 65_536;

/** One rule of the table. */
interface Rule {
  readonly accepts: (value: unknown) => boolean;
  /** Completes the sentence "`field` must be …". */
  readonly expected: string;
  /** Shape of a legal value as a word, for the reference page. */
  readonly values: string;
  readonly meaning: string;
}

export const TOPIC_CONFIG_RULES: Readonly<Record<keyof TopicConfig, Rule>> = {
  partitions: {
    ...integer(1, MAX_PARTITIONS),
    meaning: "Number of partitions; fixed once the topic exists.",
  },
  storage: {
    ...oneOf(STORAGE_KINDS),
    meaning: "Where the records live: `file` survives the process, `memory` ends with it. Fixed once the topic exists.",
  },
  capacityBytes: {
    ...integer(MIN_CAPACITY_BYTES, MAX_CAPACITY_BYTES),
    meaning: "Bytes of ring per partition, at its largest; the oldest records make room for new ones.",
  },
  retentionMs: {
    ...integer(0, Number.MAX_SAFE_INTEGER),
    meaning:
      "Age at which records expire, in milliseconds by their own time, also when nobody publishes; 0: no limit by age.",
  },
  retentionRecords: {
    ...integer(0, Number.MAX_SAFE_INTEGER),
    meaning: "Number of records kept per partition, exactly; 0: no limit by count.",
  },
  durability: {
    ...oneOf(TOPIC_DURABILITIES),
    meaning:
      "What an acknowledgement means at least: `stored` survives the process, `synced` is on the storage device.",
  },
};

/**
 * Checks a topic configuration, whole or in part, and returns just the settings it names. Fields it doesn't know are ignored, as
 * in every request; the configuration file refuses them before.
 *
 * @param value a parsed JSON value, believed to be nothing in particular
 * @throws RingcastError `bad_request` with `details.field`: a wrong type or out of range
 */
export function decodeTopicConfig(value: unknown): Partial<TopicConfig> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RingcastError("bad_request", `A topic's configuration must be an object, not ${shown(value)}.`);
  }
  const given = Object.entries(value).filter(([field]) => Object.hasOwn(TOPIC_CONFIG_RULES, field));
  for (const [field, setting] of given) {
    const rule = TOPIC_CONFIG_RULES[field as keyof TopicConfig];
    if (!rule.accepts(setting)) {
      throw new RingcastError("bad_request", `${field} must be ${rule.expected}, not ${shown(setting)}.`, { field });
    }
  }
  return Object.fromEntries(given);
}

function integer(least: number, most: number): Pick<Rule, "accepts" | "expected" | "values"> {
  return {
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    expected: `an integer from ${least} to ${most}`,
    values: `${least} to ${most}`,
  };
}

function oneOf(choices: readonly string[]): Pick<Rule, "accepts" | "expected" | "values"> {
  return {
    accepts: (value) => typeof value === "string" && choices.includes(value),
    expected: choices.map((choice) => JSON.stringify(choice)).join(" or "),
    values: choices.map((choice) => `\`${choice}\``).join(", "),
  };
}
