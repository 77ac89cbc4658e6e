/** How errors of the wire become errors of the SDK. */
import { isErrorCode, RingcastError, type ErrorFrame, type Gap } from "@ringcast/protocol";

/**
 * Messages will never come, and the subscription was asked to end then (`gaps: "reject"`). To go on behind the gap, subscribe again with
 * `from: subscription.position`.
 */
export class GapError extends RingcastError {
  readonly gap: Gap;

  constructor(gap: Gap) {
    super(
      "invalid_offset",
      `Messages ${gap.from} to ${gap.to} of ${gap.topic}/${gap.partition} will not come (${gap.reason}): subscribe again from the subscription's position to go on behind them.`,
      { ...gap },
    );
    this.gap = gap;
  }
}

/** The error that an `error` frame tells of; a code that a newer hub may have counts as `internal`. */
export function errorOf({ code, message, details }: ErrorFrame): RingcastError {
  return new RingcastError(isErrorCode(code) ? code : "internal", message, details);
}

/** Whatever was thrown, as our error. */
export function asRingcastError(error: unknown): RingcastError {
  return error instanceof RingcastError ? error : new RingcastError("internal", String(error), {}, { cause: error });
}

/** The hub object was closed by its owner. */
export function closedError(): RingcastError {
  return new RingcastError("unavailable", "This hub object was closed: connect again.");
}
