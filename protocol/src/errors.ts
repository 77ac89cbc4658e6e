/**
 * The one table of error codes. The wire, HTTP, the SDK, metrics and docs/errors.md are all made from it.
 *
 * @see docs/protocol.md, "Error codes"
 */

/** What a code means for whoever meets it. */
export interface ErrorRow {
  /** Status of the HTTP answer that carries this code, unless the route names a nearer one (405, 415). */
  readonly status: number;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** WebSocket close code where this error also ends the connection. */
  readonly closeCode?: number;
  /** One line for the reference page. */
  readonly meaning: string;
}

export const ERRORS = {
  bad_request: { status: 400, retryable: false, meaning: "A field is missing, of a wrong type or out of range." },
  bad_frame: {
    status: 400,
    retryable: false,
    closeCode: 1007,
    meaning: "The frame or body can't be understood at all.",
  },
  invalid_topic: { status: 400, retryable: false, meaning: "The topic name or pattern is not legal." },
  invalid_offset: {
    status: 400,
    retryable: false,
    meaning: "The position is ahead of the head, negative or not an integer.",
  },
  unauthorized: { status: 401, retryable: false, closeCode: 4401, meaning: "The token is missing, wrong or expired." },
  forbidden: { status: 403, retryable: false, meaning: "The request is understood, but not permitted." },
  unknown_op: { status: 404, retryable: false, meaning: "The hub has no such operation or path." },
  unknown_topic: { status: 404, retryable: false, meaning: "The topic does not exist." },
  unknown_subscription: { status: 404, retryable: false, meaning: "This connection has no such subscription." },
  already_exists: { status: 409, retryable: false, meaning: "What was to be created is there already." },
  conflict: {
    status: 409,
    retryable: false,
    meaning: "The request contradicts what is stored: a fixed setting, or the same producer sequence with other bytes.",
  },
  out_of_sequence: { status: 409, retryable: false, meaning: "The producer left a sequence out." },
  too_large: {
    status: 413,
    retryable: false,
    closeCode: 1009,
    meaning: "A message, batch, frame or body is over its limit.",
  },
  schema_violation: { status: 422, retryable: false, meaning: "The data does not fit the topic's schema." },
  too_many: { status: 429, retryable: true, meaning: "A limit on a count is reached." },
  rate_limited: { status: 429, retryable: true, meaning: "A limit on a rate is reached; wait `details.retryAfterMs`." },
  unavailable: { status: 503, retryable: true, meaning: "The hub can't store at the moment; nothing else is wrong." },
  shutting_down: { status: 503, retryable: true, meaning: "The hub is going away; connect again." },
  internal: { status: 500, retryable: true, meaning: "Our fault: an error that should not have happened." },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

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
    return ERRORS[this.code].retryable;
  }

  /** Status of the HTTP answer that carries this error. */
  get status(): number {
    return ERRORS[this.code].status;
  }

  /** The fields that go into a reply or an HTTP body; `details` only where there are any. */
  toBody(): ErrorBody {
    const body = { code: this.code, message: this.message };
    return Object.keys(this.details).length > 0 ? { ...body, details: this.details } : body;
  }
}

/** Whether a string that came from outside is one of our codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERRORS, value);
}

const SHOWN_CHARACTERS = 64;

/**
 * An offending value made fit for an error message: as JSON, control characters escaped, at most 64 characters; of an object or list only that it
 * is one, since it may be of any size and depth. Never hand it a secret.
 */
export function shown(value: unknown): string {
  if (typeof value === "string") return shownText(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function shownText(value: string): string {
  const isLong = value.length > SHOWN_CHARACTERS;
  // JSON.stringify escapes the lone half of a pair that the cut may leave.
  const text = JSON.stringify(isLong ? value.slice(0, SHOWN_CHARACTERS) : value);
  const safe = text.replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (c) => `\\u${hex4(c)}`);
  return isLong ? `${safe}…` : safe;
}

function hex4(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, "0");
}
