/** Where a reader begins and ends, as people type it. */
import type { RecordFilter, TopicStart, Until } from "@ringcast/protocol";
import { UsageError } from "./usage.js";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads `latest`, `earliest`, an offset, `last:<n>`, a time ago (`15m`) or an instant (`2026-01-31T10:00Z`, `time:<ms>`).
 *
 * @param nowMs milliseconds since 1970
 * @throws UsageError
 */
export function readStart(text: string, nowMs: number): TopicStart {
  if (text === "latest" || text === "earliest") return text;
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const last = /^last:(\d{1,15})$/.exec(text);
  if (last !== null) return { last: Number(last[1]) };
  const time = readTime(text, nowMs);
  if (time !== undefined) return { time };
  throw new UsageError(
    `--from ${JSON.stringify(text)} is no place to begin: use latest, earliest, an offset, last:100, 15m (ago) or a time like 2026-01-31T10:00Z.`,
  );
}

/**
 * Reads `head`, an offset, a time ago or an instant.
 *
 * @throws UsageError
 */
export function readUntil(text: string, nowMs: number): Until {
  if (text === "head") return text;
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const time = readTime(text, nowMs);
  if (time !== undefined) return { time };
  throw new UsageError(
    `--until ${JSON.stringify(text)} is no place to end: use head, an offset, 15m (ago) or a time like 2026-01-31T10:00Z.`,
  );
}

/** A start as the query of a URL has it. */
export function startQuery(from: TopicStart): string {
  if (typeof from === "string") return from;
  if ("offset" in from) return String(from.offset);
  if ("last" in from) return `last:${from.last}`;
  if ("time" in from) return `time:${from.time}`;
  throw new TypeError("Positions have no form in a query.");
}

/** An end as the query of a URL has it. */
export function untilQuery(until: Until): string {
  if (until === "head") return until;
  return "offset" in until ? String(until.offset) : `time:${until.time}`;
}

/**
 * The filter that `--key` and `--header name=value`, each given any number of times, stand for; undefined where there are none.
 *
 * @throws UsageError
 */
export function readFilterOptions(keys: readonly string[], headers: readonly string[]): RecordFilter | undefined {
  const wanted: Record<string, string[]> = {};
  for (const text of headers) {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--header must be like name=value, not ${JSON.stringify(text)}.`);
    (wanted[text.slice(0, at)] ??= []).push(text.slice(at + 1));
  }
  if (keys.length === 0 && headers.length === 0) return undefined;
  return { ...(keys.length === 0 ? {} : { keys }), ...(headers.length === 0 ? {} : { headers: wanted }) };
}

function readTime(text: string, nowMs: number): number | undefined {
  const ago = /^(\d{1,9})([smhd])$/.exec(text);
  if (ago !== null) return Math.max(0, nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0));
  const exact = /^time:(\d{1,15})$/.exec(text);
  if (exact !== null) return Number(exact[1]);
  const time = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : NaN;
  return time >= 0 ? time : undefined;
}
