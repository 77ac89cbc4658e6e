/** Where a reader begins, as people type it. */
import type { Start } from "@ringcast/protocol";
import { UsageError } from "./usage.js";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads `latest`, `earliest`, an offset, `last:<n>`, a time ago (`15m`) or an instant (`2026-01-31T10:00Z`).
 *
 * @param nowMs milliseconds since 1970
 * @throws UsageError
 */
export function readStart(text: string, nowMs: number): Start {
  if (text === "latest" || text === "earliest") return text;
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const last = /^last:(\d{1,15})$/.exec(text);
  if (last !== null) return { last: Number(last[1]) };
  const ago = /^(\d{1,9})([smhd])$/.exec(text);
  if (ago !== null) return { time: Math.max(0, nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0)) };
  const time = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (time >= 0) return { time };
  throw new UsageError(
    `--from ${JSON.stringify(text)} is no place to begin: use latest, earliest, an offset, last:100, 15m (ago) or a time like 2026-01-31T10:00Z.`,
  );
}
