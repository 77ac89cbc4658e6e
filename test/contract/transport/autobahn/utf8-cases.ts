/**
 * Autobahn's cases of group 6: what is UTF-8 and what isn't, whole and in fragments. The sequences of 6.5 to 6.23 are those of Markus Kuhn's stress test.
 *
 * @see https://www.cl.cam.ac.uk/~mgk25/ucs/examples/UTF-8-test.txt and RFC 3629 section 4
 */
import {
  chopped,
  CONTINUATION,
  echoes,
  ends,
  fragments,
  frame,
  shownFrame,
  TEXT,
  together,
  type AutobahnCase,
  type End,
  type PerTransport,
} from "./case.js";

const NOT_UTF8: PerTransport<End> = { uws: "cut", ws: "close 1007" };

const GREEK = bytes("ceba e1bdb9 cf83 cebc ceb5");
const SURROGATE = bytes("eda080");
const BEYOND = bytes("f4908080");
const EDITED = Buffer.from("edited");
const UMLAUTS = "Hello-µ@ßöäüàá-UTF-8!!";

const ZERO_LENGTH = [
  echoes("6.1.1", "empty", [frame(TEXT)], [shownFrame(TEXT, "")]),
  echoes("6.1.2", "three empty fragments", together(...fragments(TEXT, ["", "", ""])), [shownFrame(TEXT, "")]),
  echoes(
    "6.1.3",
    "an empty fragment before and behind",
    together(...fragments(TEXT, ["", "middle frame payload", ""])),
    [shownFrame(TEXT, "middle frame payload")],
  ),
];

const FRAGMENTED = [
  echoes("6.2.1", "characters of two bytes", [frame(TEXT, UMLAUTS)], [shownFrame(TEXT, UMLAUTS)]),
  echoes("6.2.2", "cut between characters", together(...fragments(TEXT, ["Hello-µ@ßöä", "üàá-UTF-8!!"])), [
    shownFrame(TEXT, UMLAUTS),
  ]),
  byByte("6.2.3", "a fragment a byte", Buffer.from(UMLAUTS)),
  byByte("6.2.4", "a fragment a byte, of up to three bytes", GREEK),
  ends("6.3.1", "a surrogate between good text", [frame(TEXT, Buffer.concat([GREEK, SURROGATE, EDITED]))], NOT_UTF8),
  ends(
    "6.3.2",
    "a surrogate between good text, a fragment a byte",
    together(...fragments(TEXT, chopped(Buffer.concat([GREEK, SURROGATE, EDITED]), 1))),
    NOT_UTF8,
  ),
];

function byByte(number: string, title: string, text: Buffer): AutobahnCase {
  return echoes(number, title, together(...fragments(TEXT, chopped(text, 1))), [shownFrame(TEXT, text)]);
}

const INVALID = Buffer.concat([GREEK, BEYOND, EDITED]);

/**
 * Failing at the first bad byte is what the suite calls strict. Both libraries look at a message when it is whole, so that the connection is still open after
 * each part, and ends with the last.
 */
const FAIL_FAST = [
  inParts(
    "6.4.1",
    "beyond U+10FFFF in the second of three fragments",
    [GREEK.length, GREEK.length + BEYOND.length],
    true,
  ),
  inParts("6.4.2", "beyond U+10FFFF up to the byte that shows it", [12, 13], true),
  inParts(
    "6.4.3",
    "beyond U+10FFFF in the second third of a frame",
    [GREEK.length, GREEK.length + BEYOND.length],
    false,
  ),
  inParts("6.4.4", "beyond U+10FFFF up to the byte that shows it, in one frame", [12, 13], false),
];

/** @param isFragmented every part is a frame; otherwise they are packets of one */
function inParts(
  number: string,
  title: string,
  [first, second]: [number, number],
  isFragmented: boolean,
): AutobahnCase {
  const payloads = [INVALID.subarray(0, first), INVALID.subarray(first, second), INVALID.subarray(second)] as const;
  const whole = frame(TEXT, INVALID);
  const headBytes = whole.length - INVALID.length;
  const frames = [
    frame(TEXT, payloads[0], { fin: false }),
    frame(CONTINUATION, payloads[1], { fin: false }),
    frame(CONTINUATION, payloads[2]),
  ] as const;
  const pieces = [
    whole.subarray(0, headBytes + first),
    whole.subarray(headBytes + first, headBytes + second),
    whole.subarray(headBytes + second),
  ] as const;
  const [one, two, three] = isFragmented ? frames : pieces;
  return ends(number, title, [one, "open?", two, "open?", three], NOT_UTF8, ["open", "open"]);
}

/** A group whose sequences are good or bad as said. */
interface Group {
  readonly title: string;
  readonly sequences: readonly (readonly [isGood: boolean, bytes: string])[];
}

const good = (...all: string[]): Group["sequences"] => all.map((each) => [true, each]);
const bad = (...all: string[]): Group["sequences"] => all.map((each) => [false, each]);

const INCOMPLETE = ["c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf"];

/** From 6.5 on. */
const GROUPS: readonly Group[] = [
  {
    title: "good text",
    sequences: good(...["hello$world", "hello¢world", "hello€world", "hello\u{24b62}world"].map(hex), hexOf(GREEK)),
  },
  { title: "the beginning of a text", sequences: prefixes() },
  { title: "the first character of a length", sequences: good("00", "c280", "e0a080", "f0908080") },
  { title: "the first sequence of five and six bytes", sequences: bad("f888808080", "fc8480808080") },
  { title: "the last character of a length", sequences: good("7f", "dfbf", "efbfbf", "f48fbfbf") },
  { title: "the last sequence of four, five and six bytes", sequences: bad("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf") },
  { title: "a boundary", sequences: [...good("ed9fbf", "ee8080", "efbfbd", "f48fbfbf"), ...bad("f4908080")] },
  { title: "a continuation byte alone", sequences: bad("80", "bf", ...alternating(), hexOf(range(0x80, 0xbf))) },
  { title: "first bytes with spaces between", sequences: bad(...lonelyStarts()) },
  { title: "the last byte missing", sequences: bad(...INCOMPLETE) },
  { title: "incomplete sequences in a row", sequences: bad(INCOMPLETE.join("")) },
  { title: "impossible bytes", sequences: bad("fe", "ff", "fefeffff") },
  { title: "an overlong slash", sequences: bad("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af") },
  { title: "the longest overlong", sequences: bad("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf") },
  { title: "an overlong NUL", sequences: bad("c080", "e08080", "f0808080", "f880808080", "fc8080808080") },
  { title: "a surrogate", sequences: bad("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf") },
  {
    title: "a pair of surrogates",
    sequences: bad(...pairs(["eda080", "edadbf", "edae80", "edafbf"], ["edb080", "edbfbf"])),
  },
  { title: "a code point that is no character", sequences: good(...nonCharacters()) },
  { title: "a special", sequences: good("efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", "efbfbf") },
];

function prefixes(): Group["sequences"] {
  const boundaries = new Set([2, 5, 7, 9, 11]);
  return Array.from(GREEK, (_, at) => [boundaries.has(at + 1), hexOf(GREEK.subarray(0, at + 1))]);
}

/** 80, bf, 80, … up to six of them, from two on. */
function alternating(): string[] {
  return [2, 3, 4, 5, 6].map((length) => "80bf".repeat(3).slice(0, 2 * length));
}

function lonelyStarts(): string[] {
  const ranges = [
    [0xc0, 0xdf],
    [0xe0, 0xef],
    [0xf0, 0xf7],
    [0xf8, 0xfb],
    [0xfc, 0xfd],
  ] as const;
  return ranges.map(([from, to]) => hexOf(range(from, to).flatMap((byte) => [byte, 0x20])));
}

function pairs(high: readonly string[], low: readonly string[]): string[] {
  return high.flatMap((first) => low.map((second) => first + second));
}

/** U+FFFE, U+FFFF, and the last two of each plane that takes four bytes. */
function nonCharacters(): string[] {
  const planes = Array.from({ length: 17 }, (_, plane) => plane);
  return planes.flatMap((plane) => [0xfffe, 0xffff].map((low) => hex(String.fromCodePoint(plane * 0x10000 + low))));
}

/** Without the last, as in the suite. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

const STRESS = GROUPS.flatMap(({ title, sequences }, group) =>
  sequences.map(([isGood, sequence], at) => {
    const number = `6.${group + 5}.${at + 1}`;
    const text = bytes(sequence);
    const steps = [frame(TEXT, text)];
    if (isGood) return echoes(number, title, steps, [shownFrame(TEXT, text)]);
    return ends(number, `${title}, not UTF-8`, steps, NOT_UTF8);
  }),
);

export const UTF8_CASES: readonly AutobahnCase[] = [...ZERO_LENGTH, ...FRAGMENTED, ...FAIL_FAST, ...STRESS];

function bytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

function hex(text: string): string {
  return hexOf(Buffer.from(text));
}

function hexOf(octets: Iterable<number>): string {
  return Buffer.from([...octets]).toString("hex");
}
