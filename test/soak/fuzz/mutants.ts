/** Inputs that are nearly good: examples of a format with bits flipped, pieces cut out, doubled and exchanged, and numbers replaced by those at their edges. */
import fc from "fast-check";

/** What is one edit: which, where, and with what. */
type Edit = readonly [kind: number, at: number, what: number];

const EDGES = [0, 1, 0x7f, 0x80, 0xc1, 0xff, 0x22, 0x5c, 0x7b, 0x5b, 0x2c, 0x25, 0x2e];
const EDGE_NUMBERS = [
  "0",
  "-1",
  "1.5",
  "-0",
  "1e400",
  "9007199254740992",
  "4294967295",
  "2147483648",
  "1e-7",
  "01",
  "NaN",
];
/** As they stand in binary layouts: little-endian, and big-endian where they are the same from both sides. */
const EDGE_WORDS = [0, 1, 7, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff];
const LONGEST_PIECE = 24;

const KINDS = 7;
const edits = fc.array(fc.tuple(fc.nat(KINDS - 1), fc.nat(0xff_ffff), fc.nat(0xff_ffff)), {
  minLength: 0,
  maxLength: 4,
});

/**
 * Mutants of examples, and now and then bytes that are nothing.
 *
 * @param mend makes the mutant whole again where a check would give away every change, half of the time
 */
export function mutantsOf(
  examples: readonly Uint8Array[],
  mend: (bytes: Buffer) => void = () => undefined,
): fc.Arbitrary<Buffer> {
  const buffers = examples.map((example) => Buffer.from(example));
  const mutant = fc.tuple(fc.nat(buffers.length - 1), edits, fc.boolean()).map(([example, list, isMended]) => {
    const bytes = list.reduce<Buffer>(
      (before, edit) => changed(before, edit, buffers),
      Buffer.from(buffers[example] as Buffer),
    );
    if (isMended) mend(bytes);
    return bytes;
  });
  const anything = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ arbitrary: mutant, weight: 15 }, { arbitrary: anything, weight: 1 });
}

/** The same of texts. */
export function textMutantsOf(examples: readonly string[]): fc.Arbitrary<string> {
  return mutantsOf(examples.map((text) => Buffer.from(text))).map((bytes) => bytes.toString());
}

function changed(bytes: Buffer, [kind, at, what]: Edit, others: readonly Buffer[]): Buffer {
  const place = bytes.length === 0 ? 0 : at % bytes.length;
  const end = Math.min(bytes.length, place + 1 + (what % LONGEST_PIECE));
  switch (kind) {
    case 0:
      if (bytes.length > 0) bytes[place] = (bytes[place] as number) ^ (1 << (what & 7));
      return bytes;
    case 1:
      if (bytes.length > 0) bytes[place] = EDGES[what % EDGES.length] as number;
      return bytes;
    case 2:
      return what % 4 === 0 ? bytes.subarray(0, place) : joined(bytes, place, end, NOTHING);
    case 3:
      return joined(bytes, end, end, bytes.subarray(place, end));
    case 4: {
      const other = others[what % others.length] as Buffer;
      const from = at % (other.length + 1);
      return joined(bytes, place, end, other.subarray(from, from + LONGEST_PIECE));
    }
    case 5:
      if (place + 4 <= bytes.length) bytes.writeUInt32LE(EDGE_WORDS[what % EDGE_WORDS.length] as number, place);
      return bytes;
    default:
      return withEdgeNumber(bytes, place, what);
  }
}

const NOTHING = Buffer.alloc(0);

function joined(bytes: Buffer, from: number, to: number, piece: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);
}

/** Replaces the first run of digits behind a place. */
function withEdgeNumber(bytes: Buffer, place: number, what: number): Buffer {
  let from = place;
  while (from < bytes.length && !isDigit(bytes[from] as number)) from++;
  let to = from;
  while (to < bytes.length && isDigit(bytes[to] as number)) to++;
  return joined(bytes, from, to, Buffer.from(EDGE_NUMBERS[what % EDGE_NUMBERS.length] as string));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
