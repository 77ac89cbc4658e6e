/**
 * The file's `topics`: which configuration a topic gets when it is created. First match wins; what a rule doesn't name is the default.
 */
import { decodeTopicConfig, RingcastError, shown, TOPIC_CONFIG_RULES, type TopicConfig } from "@ringcast/protocol";
import { z } from "zod";
import { nearestName } from "./nearest.js";
import type { Setting } from "./setting.js";

/** One entry of `topics`. */
export interface TopicRule {
  readonly pattern: string;
  readonly config: Partial<TopicConfig>;
  /** Whether a publish or a subscription creates such a topic; what `autoCreateTopics` says when left out. */
  readonly autoCreate?: boolean;
}

const MAX_RULES = 1000;

/** The setting `topics`; stands in the file only. `checkPattern` throws a RingcastError for a pattern that isn't legal. */
export function topicRules(
  facts: Pick<Setting, "group" | "description" | "reloads">,
  checkPattern: (pattern: string) => unknown,
): Setting<readonly TopicRule[]> {
  const entry = z.unknown().transform((value, context): TopicRule => {
    try {
      return decodeRule(value, checkPattern);
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      context.addIssue({ code: "custom", message: error.message, params: { complete: true } });
      return z.NEVER;
    }
  });
  return {
    ...facts,
    default: [],
    schema: z.array(entry, "must be a list of objects").max(MAX_RULES, `must have at most ${MAX_RULES} entries`),
    placeholder: "",
    values: "list of objects",
    fileOnly: true,
    parse: (given) => given,
  };
}

function decodeRule(value: unknown, checkPattern: (pattern: string) => unknown): TopicRule {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RingcastError("bad_request", `must be an object with a pattern, not ${shown(value)}.`);
  }
  const known = ["pattern", "autoCreate", ...Object.keys(TOPIC_CONFIG_RULES)];
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  if (unknown !== undefined) throw new RingcastError("bad_request", unknownField(unknown, known));
  const pattern: unknown = "pattern" in value ? value.pattern : undefined;
  if (typeof pattern !== "string") {
    throw new RingcastError("bad_request", `must have a pattern, a string such as "chat.>", not ${shown(pattern)}.`);
  }
  checkPattern(pattern);
  const autoCreate: unknown = "autoCreate" in value ? value.autoCreate : undefined;
  if (autoCreate !== undefined && typeof autoCreate !== "boolean") {
    throw new RingcastError("bad_request", `autoCreate must be true or false, not ${shown(autoCreate)}.`);
  }
  return { pattern, config: decodeTopicConfig(value), ...(autoCreate === undefined ? {} : { autoCreate }) };
}

function unknownField(field: string, known: readonly string[]): string {
  const nearest = nearestName(field, known);
  const hint = nearest === undefined ? `there are ${known.join(", ")}` : `did you mean ${nearest}?`;
  return `has the unknown key ${shown(field)}; ${hint}${hint.endsWith("?") ? "" : "."}`;
}
