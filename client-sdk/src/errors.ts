/** How errors of the wire become errors of the SDK, and which of them are met by asking again. */
import { RingcastError, type ErrorDetails, type ErrorFrame, type Gap } from "@ringcast/protocol";

/**
 * Messages will never come, and the subscription was asked to end then (`gaps: "reject"`). To go on behind the gap, subscribe again with
 * `from: subscription.position`.
 */
export class GapError extends RingcastError {
  readonly gap: Gap;

  constructor(gap: Gap) {
    super("invalid_offset", `Lost: ${gap.topic}/${gap.partition}, ${gap.from} to ${gap.to} (${gap.reason}).`, { gap });
    this.gap = gap;
  }
}

/** The error that an `error` frame tells of. A code that only a newer hub knows is handed on as it is. */
export function errorOf({ code, message, details }: ErrorFrame): RingcastError {
  return new RingcastError(code, message, details);
}

/** @returns an error of the caller's: `field` can't be meant */
export function badRequest(message: string, field: string): RingcastError {
  return new RingcastError("bad_request", message, { field });
}

/** The hub object was closed, or gives up. */
export function unavailable(message = "Closed: connect again.", details?: ErrorDetails): RingcastError {
  return new RingcastError("unavailable", message, details);
}

/** Wait before a refused request is sent again, where the hub doesn't say. */
const RETRY_MS = 1_000;

/** How long to wait before the same request is sent again, milliseconds; undefined where that would be in vain. */
export function retryDelayMs({ code, retryable, details: { retryAfterMs } }: RingcastError): number | undefined {
  if (!retryable || code === "too_many") return undefined;
  return (retryAfterMs as number | undefined) ?? RETRY_MS;
}
