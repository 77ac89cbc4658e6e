/** Reads request bodies by their content type. */
import { decodeUtf8, isUtf8, RingcastError, shown } from "@ringcast/protocol";
import { HttpError, type Answer } from "./answer.js";
import type { Exchange } from "./exchange.js";
import type { BodyWanted } from "./router.js";

/** A media type without its parameters, and its charset where one is named; both in lower case. */
export interface MediaType {
  readonly type: string;
  readonly charset: string | undefined;
}

const UTF8_NAMES = ["utf-8", "utf8", "us-ascii"];

/** Configuration is small; nothing deep or large gets as far as the parser. */
const MAX_SMALL_BODY_BYTES = 65_536;

/**
 * The `Content-Type` of a request, which must be one of `accepted` and, for text, in UTF-8.
 * @throws HttpError 415
 */
export function mediaTypeOf(exchange: Exchange, accepted: readonly string[]): string {
  const header = exchange.header("content-type");
  if (header !== undefined && accepted.includes(header)) return header;
  const media = parseMediaType(header ?? "");
  const isUtf = media?.charset === undefined || UTF8_NAMES.includes(media.charset);
  if (media !== undefined && accepted.includes(media.type) && isUtf) return media.type;
  const given = header === undefined ? "none" : shown(header);
  throw new HttpError(415, `The Content-Type must be ${accepted.join(" or ")}, text in UTF-8; there is ${given}.`, {
    field: "Content-Type",
  });
}

/**
 * Wants a small JSON body: 415 for another content type, `bad_frame` when it is not JSON, `too_large` over 64 KiB.
 *
 * @param take gets it parsed; undefined for an empty body
 */
export function smallJson(exchange: Exchange, take: (body: unknown) => Answer): BodyWanted {
  return { maxBytes: MAX_SMALL_BODY_BYTES, take: (bytes) => take(parseSmall(exchange, bytes)) };
}

function parseSmall(exchange: Exchange, bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  mediaTypeOf(exchange, ["application/json"]);
  try {
    if (!isUtf8(bytes)) throw new SyntaxError("it is not UTF-8");
    return JSON.parse(decodeUtf8(bytes)) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    // The parser's own words quote the body as it is.
    throw new RingcastError("bad_frame", "Send the body as one JSON text.", { field: "body" }, { cause: error });
  }
}

/** Takes `type/subtype; charset=utf-8` apart; undefined for what is no media type. */
export function parseMediaType(header: string): MediaType | undefined {
  const [type = "", ...parameters] = header.split(";").map((part) => part.trim().toLowerCase());
  if (!/^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(type)) return undefined;
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length);
  return { type, charset: charset?.replace(/^"(.*)"$/, "$1") };
}
