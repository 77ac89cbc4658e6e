/** Replies to publishes in the binary dialect. */
import { PublishedEncoder, type PublishedSyntax } from "../published.js";
import { encodeMsgpack } from "./encode.js";
import { FIXARRAY, FIXMAP, UINT_8, UINT_16, UINT_32, UINT_64 } from "./format.js";

const TWO_32 = 0x1_0000_0000;
const WIDTH_64 = 9;

const SYNTAX: PublishedSyntax = {
  single: (topic, partition, epoch) => [
    bytesOf(mapOf(7), "op", "published", "id"),
    bytesOf("topic", topic, "partition", partition, "epoch", epoch, "offset"),
    bytesOf("timestamp"),
    bytesOf(),
  ],
  batch: (topic, partition, epoch) => [
    bytesOf(mapOf(5), "op", "published", "id"),
    bytesOf("topic", topic, "timestamp"),
    bytesOf("offsets", Uint8Array.of(FIXARRAY | 1), mapOf(4), "partition", partition, "epoch", epoch, "first"),
    bytesOf("count"),
    bytesOf(),
  ],
  width: widthOf,
  put: putInteger,
};

/** The same bytes as `encodeMsgpackFrame` gives of a `published` frame. */
export const msgpackPublished = /*#__PURE__*/ new PublishedEncoder(SYNTAX);

/** Values one behind the other; what is bytes already stays as it is. */
function bytesOf(...values: readonly (string | number | Uint8Array)[]): Uint8Array {
  const pieces = values.map((value) => (value instanceof Uint8Array ? value : encodeMsgpack(value)));
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

function mapOf(members: number): Uint8Array {
  return Uint8Array.of(FIXMAP | members);
}

function widthOf(value: number): number {
  if (value < 0x1_0000) return value < 0x80 ? 1 : value < 0x100 ? 2 : 3;
  return value < TWO_32 ? 5 : WIDTH_64;
}

function putInteger(bytes: Uint8Array, at: number, value: number, width: number): void {
  if (width === 1) {
    bytes[at] = value;
    return;
  }
  bytes[at] = width === WIDTH_64 ? UINT_64 : width === 5 ? UINT_32 : width === 3 ? UINT_16 : UINT_8;
  const end = at + width;
  if (width === WIDTH_64) putBigEndian(bytes, at + 1, end - 4, (value / TWO_32) | 0);
  putBigEndian(bytes, width === WIDTH_64 ? end - 4 : at + 1, end, value | 0);
}

/** The low bytes of a word, the last one at `end - 1`. */
function putBigEndian(bytes: Uint8Array, at: number, end: number, word: number): void {
  let rest = word;
  for (let place = end - 1; place >= at; place--) {
    bytes[place] = rest;
    rest >>>= 8;
  }
}
