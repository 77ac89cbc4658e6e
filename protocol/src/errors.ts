/** The error class of hub and SDK, and how offending values are shown in its messages. The codes are explained in error-table.ts. */
import type { ErrorCode } from "./error-table.js";

/** Codes with which the same request may succeed later without being changed. */
export const RETRYABLE_CODES: readonly ErrorCode[] = [
  "too_many",
  "rate_limited",
  "unavailable",
  "shutting_down",
  "internal",
];

/** Facts about an error for programs: `field`, `index`, `head`, `expected`, `retryAfterMs`, `stored`, … */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The error as it stands in a reply or an HTTP body. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/** The error class of hub and SDK. Branch on `code`, never on the text. */
export class RingcastError extends Error {
  override readonly name = "RingcastError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  /** Whether the same request may succeed later without being changed. */
  get retryable(): boolean {
    return RETRYABLE_CODES.includes(this.code);
  }

  /** The fields that go into a reply or an HTTP body; `details` only where there are any. */
  toBody(): ErrorBody {
    const { code, message, details } = this;
    return Object.keys(details).length > 0 ? { code, message, details } : { code, message };
  }

  /** What JSON.stringify makes of it, for logs and other processes. */
  toJSON(): ErrorBody {
    return this.toBody();
  }
}

const SHOWN_CHARACTERS = 64;
/** Controls, line ends, and what has no width or turns the direction of the text behind it. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * An offending value made fit for an error message: as JSON, what can't be seen escaped, at most 64 characters; of an object or list only that it
 * is one, since it may be of any size and depth. Never hand it a secret.
 */
export function shown(value: unknown): string {
  if (typeof value === "string") return shownText(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function shownText(value: string): string {
  const isLong = value.length > SHOWN_CHARACTERS;
  // JSON.stringify escapes the lone half of a pair that the cut may leave, and controls below space.
  const text = JSON.stringify(isLong ? value.slice(0, SHOWN_CHARACTERS) : value);
  const safe = text.replace(INVISIBLE, (character) => character.replace(/[^]/g, escaped));
  return isLong ? `${safe}…` : safe;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
