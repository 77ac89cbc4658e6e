/** Replies to publishes as JSON: frames of the dialect, and bodies over HTTP, which have neither operation nor id. */
import { encodeUtf8 } from "../../utf8.js";
import { PublishedEncoder, type PublishedSyntax } from "../published.js";

/** The same bytes as `encodeFrame` gives of a `published` frame. */
export const jsonPublished = /*#__PURE__*/ new PublishedEncoder(
  /*#__PURE__*/ syntaxFrom('{"op":"published","id":', ","),
);

/** The same without `op` and `id`: what a publish over HTTP is answered with. */
export const jsonPublishedBody = /*#__PURE__*/ new PublishedEncoder(/*#__PURE__*/ syntaxFrom("{"));

/** @param begin what a reply begins with: all before its first member, or all before the id and what follows the id */
function syntaxFrom(...begin: readonly string[]): PublishedSyntax {
  const before = begin.slice(0, -1);
  const last = begin.at(-1) ?? "";
  return {
    single: (topic, partition, epoch) =>
      texts(
        ...before,
        `${last}"topic":${json(topic)},"partition":${partition},"epoch":${json(epoch)},"offset":`,
        ',"timestamp":',
        "}",
      ),
    batch: (topic, partition, epoch) =>
      texts(
        ...before,
        `${last}"topic":${json(topic)},"timestamp":`,
        `,"offsets":[{"partition":${partition},"epoch":${json(epoch)},"first":`,
        ',"count":',
        "}]}",
      ),
    width: digitsOf,
    put: putDigits,
  };
}

function texts(...pieces: readonly string[]): Uint8Array[] {
  return pieces.map(encodeUtf8);
}

function json(text: string): string {
  return JSON.stringify(text);
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  return digits;
}

function putDigits(bytes: Uint8Array, at: number, value: number, width: number): void {
  let rest = value;
  let place = at + width;
  // Double arithmetic only above 2^31: the short way is several times faster.
  while (rest > 0x7fff_ffff) {
    const tens = Math.floor(rest / 10);
    bytes[--place] = 48 + (rest - tens * 10);
    rest = tens;
  }
  let small = rest | 0;
  while (place > at) {
    const tens = (small / 10) | 0;
    bytes[--place] = 48 + (small - tens * 10);
    small = tens;
  }
}
