/**
 * The one table of error codes. The wire, HTTP, metrics and docs/errors.md are all made from it. It stands apart from the error class, so that
 * browsers don't load it.
 *
 * @see docs/protocol.md, "Error codes"
 */

/** What a code means for whoever meets it. */
export interface ErrorRow {
  /** Status of the HTTP answer that carries this code, unless the route names a nearer one (405, 415). */
  readonly status: number;
  /** WebSocket close code where this error also ends the connection. */
  readonly closeCode?: number;
  /** One line for the reference page. */
  readonly meaning: string;
}

export const ERRORS = {
  bad_request: { status: 400, meaning: "A field is missing, of a wrong type or out of range." },
  bad_frame: {
    status: 400,

    closeCode: 1007,
    meaning: "The frame or body can't be understood at all.",
  },
  invalid_topic: { status: 400, meaning: "The topic name or pattern is not legal." },
  invalid_offset: {
    status: 400,

    meaning: "The position is ahead of the head, negative or not an integer.",
  },
  unauthorized: { status: 401, closeCode: 4401, meaning: "The token is missing, wrong or expired." },
  forbidden: { status: 403, meaning: "The request is understood, but not permitted." },
  unknown_op: { status: 404, meaning: "The hub has no such operation or path." },
  unknown_topic: { status: 404, meaning: "The topic does not exist." },
  unknown_subscription: { status: 404, meaning: "This connection has no such subscription." },
  unknown_connection: { status: 404, meaning: "There is no open connection of this id." },
  already_exists: { status: 409, meaning: "What was to be created is there already." },
  conflict: {
    status: 409,

    meaning: "The request contradicts what is stored: a fixed setting, or the same producer sequence with other bytes.",
  },
  out_of_sequence: { status: 409, meaning: "The producer left a sequence out." },
  too_large: {
    status: 413,

    closeCode: 1009,
    meaning: "A message, batch, frame or body is over its limit.",
  },
  schema_violation: { status: 422, meaning: "The data does not fit the topic's schema." },
  too_many: { status: 429, meaning: "A limit on a count is reached." },
  rate_limited: { status: 429, meaning: "A limit on a rate is reached; wait `details.retryAfterMs`." },
  unavailable: { status: 503, meaning: "The hub can't store at the moment; nothing else is wrong." },
  shutting_down: { status: 503, meaning: "The hub is going away; connect again." },
  internal: { status: 500, meaning: "Our fault: an error that should not have happened." },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** Status of the HTTP answer that carries this code. */
export function statusOf(code: ErrorCode): number {
  return ERRORS[code].status;
}

/** Whether a string that came from outside is one of our codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERRORS, value);
}
