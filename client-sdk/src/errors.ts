/** How errors of the wire become errors of the SDK, and which of them are met by asking again. */
import { RingcastError, type ErrorCode, type ErrorDetails, type Gap } from "@ringcast/protocol";

/**
 * Messages will never come, and the subscription was asked to end then (`gaps: "reject"`). To go on behind the gap,
 * subscribe again with `from: subscription.position`.
 */
export class GapError extends RingcastError {
  constructor(gap: Gap) {
    super("invalid_offset", `Lost: ${gap.topic}/${gap.partition}, ${gap.from} to ${gap.to} (${gap.reason}).`, { gap });
  }

  get gap(): Gap {
    return this.details["gap"] as Gap;
  }
}

/** What was thrown, as an error of ours. */
export function toRingcastError(error: unknown, code: ErrorCode, details?: ErrorDetails): RingcastError {
  return error instanceof RingcastError ? error : new RingcastError(code, String(error), details);
}

/** @returns an error of the caller's: `field` can't be meant */
export function badRequest(message: string, field: string): RingcastError {
  return new RingcastError("bad_request", message, { field });
}

/** The hub object was closed, or gives up. */
export function unavailable(message = "Closed: connect again.", details?: ErrorDetails): RingcastError {
  return new RingcastError("unavailable", message, details);
}

/**
 * How long to wait before the same request is sent again, milliseconds: a second where the hub doesn't say; undefined
 * where that would be in vain.
 */
export function retryDelayMs({ code, retryable, details: { retryAfterMs } }: RingcastError): number | undefined {
  return retryable && code !== "too_many" ? ((retryAfterMs as number | undefined) ?? 1_000) : undefined;
}
