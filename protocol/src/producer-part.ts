/**
 * The producer part: behind the data of the first record that an idempotent publish stores in a partition, so that the hub knows a repeat again
 * after any crash.
 *
 * ```
 *    0    2              10      14      18
 *   +----+--------------+-------+-------+------+
 *   | id | sequence     | count | digest| id … |
 *   | len| (low, high)  |       |       |      |
 *   +----+--------------+-------+-------+------+
 * ```
 *
 * @see docs/protocol.md, "Record layout"
 */
import type { ProducerSequence } from "./operations.js";
import { dataEndOf, producerLengthOf } from "./record.js";
import { readU53 } from "./u53.js";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

const TWO_32 = 0x1_0000_0000;

const PRODUCER_SEQUENCE_AT = 2;
const PRODUCER_COUNT_AT = 10;
const PRODUCER_DIGEST_AT = 14;
export const PRODUCER_ID_AT = 18;

/** Marks the first record of an idempotent publish in each partition. */
export interface ProducerMark extends ProducerSequence {
  /** Digest of the whole request, to tell a repeat from other bytes under the same sequence. */
  readonly digest: number;
}

/** The producer part of a record. */
export interface ProducerPart extends ProducerMark {
  /** Records of the publish in this partition. */
  readonly count: number;
}

/** A record without producer part. */
export const NO_PRODUCER: Uint8Array = /*#__PURE__*/ new Uint8Array(0);

/**
 * Lays out the producer part.
 *
 * @param count records of the publish in this partition
 */
export function encodeProducerPart({ id, sequence, digest }: ProducerMark, count: number): Uint8Array {
  const part = asciiPart(id) ?? partOf(encodeUtf8(id));
  const idLength = part.length - PRODUCER_ID_AT;
  part[0] = idLength;
  part[1] = idLength >>> 8;
  setWord(part, PRODUCER_SEQUENCE_AT, sequence);
  setWord(part, PRODUCER_SEQUENCE_AT + 4, sequence / TWO_32);
  setWord(part, PRODUCER_COUNT_AT, count);
  setWord(part, PRODUCER_DIGEST_AT, digest);
  return part;
}

/** A part with nothing but its id, which nearly always is ASCII: the platform's encoder was a tenth of a publish. */
function asciiPart(id: string): Uint8Array | undefined {
  const part = new Uint8Array(PRODUCER_ID_AT + id.length);
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    if (code >= 0x80) return undefined;
    part[PRODUCER_ID_AT + i] = code;
  }
  return part;
}

function partOf(id: Uint8Array): Uint8Array {
  const part = new Uint8Array(PRODUCER_ID_AT + id.length);
  part.set(id, PRODUCER_ID_AT);
  return part;
}

function setWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

/** The producer part; undefined where there is none or its lengths disagree. */
export function readProducerPart(bytes: Uint8Array, view: DataView, at: number): ProducerPart | undefined {
  const length = producerLengthOf(view, at);
  if (length < PRODUCER_ID_AT) return undefined;
  const part = dataEndOf(view, at);
  if (view.getUint16(part, true) !== length - PRODUCER_ID_AT) return undefined;
  return {
    id: decodeUtf8(bytes, part + PRODUCER_ID_AT, part + length),
    sequence: readU53(view, part + PRODUCER_SEQUENCE_AT),
    count: view.getUint32(part + PRODUCER_COUNT_AT, true),
    digest: view.getUint32(part + PRODUCER_DIGEST_AT, true),
  };
}
