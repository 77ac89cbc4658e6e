/** Autobahn's cases of group 9: large messages, in many fragments, in small packets, and a thousand to and fro. */
import {
  BINARY,
  chopped,
  echoes,
  ends,
  fragments,
  frame,
  shownFrame,
  TEXT,
  type AutobahnCase,
  type Step,
} from "./case.js";

const KIB = 1024;
const MIB = 1024 * KIB;

/** More than one fragment for 4 KiB of the largest message: ws would keep up to 64 KiB for each. */
const MAX_FRAGMENTS_OF_WS = 4_096;
const ROUND_TRIPS = 1_000;

const KINDS = [
  { opcode: TEXT, name: "text", octet: "*" },
  { opcode: BINARY, name: "binary", octet: "\xfe" },
] as const;
type Kind = (typeof KINDS)[number];

/** @param first the group of its text cases; those of its binary ones are the next */
function ofBothKinds(first: number, cases: (group: string, kind: Kind) => AutobahnCase[]): AutobahnCase[] {
  return KINDS.flatMap((kind, at) => cases(`9.${first + at}`, kind));
}

function payloadOf({ octet }: Kind, bytes: number): Buffer {
  return Buffer.alloc(bytes, octet, "latin1");
}

const LARGE = ofBothKinds(1, (group, kind) =>
  [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].map((bytes, at) => {
    const payload = payloadOf(kind, bytes);
    const replies = [shownFrame(kind.opcode, payload)];
    return echoes(`${group}.${at + 1}`, `${kind.name} of ${bytes / KIB} KiB`, [frame(kind.opcode, payload)], replies);
  }),
);

const FRAGMENTED = ofBothKinds(3, (group, kind) => {
  const payload = payloadOf(kind, 4 * MIB);
  const replies = [shownFrame(kind.opcode, payload)];
  return [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB].map((bytes, at) => {
    const number = `${group}.${at + 1}`;
    const title = `4 MiB of ${kind.name} in fragments of ${bytes} bytes`;
    const all = Buffer.concat(fragments(kind.opcode, chopped(payload, bytes)));
    if (payload.length / bytes <= MAX_FRAGMENTS_OF_WS) return echoes(number, title, [all], replies);
    return tooManyForWs(number, title, all, replies);
  });
});

/** uWebSockets.js echoes it. */
function tooManyForWs(number: string, title: string, all: Buffer, echoed: readonly string[]): AutobahnCase {
  const closing = frame(8, Buffer.from([0x03, 0xe8]));
  const replies = { uws: echoed, ws: [] };
  return ends(number, title, [all, closing], { uws: "close 1000", ws: "close 1008" }, replies);
}

const IN_PACKETS = ofBothKinds(5, (group, kind) => {
  const payload = payloadOf(kind, MIB);
  const replies = [shownFrame(kind.opcode, payload)];
  return [64, 128, 256, 512, 1024, 2048].map((bytes, at) =>
    echoes(
      `${group}.${at + 1}`,
      `1 MiB of ${kind.name}, ${bytes} bytes at a time`,
      chopped(frame(kind.opcode, payload), bytes),
      replies,
    ),
  );
});

const TO_AND_FRO = ofBothKinds(7, (group, kind) =>
  [0, 16, 64, 256, KIB, 4 * KIB].map((bytes, at) => {
    const payload = payloadOf(kind, bytes);
    const steps = Array.from({ length: ROUND_TRIPS }, (_, n): Step[] => [frame(kind.opcode, payload), n + 1]).flat();
    const replies = Array.from({ length: ROUND_TRIPS }, () => shownFrame(kind.opcode, payload));
    return echoes(`${group}.${at + 1}`, `${ROUND_TRIPS} times ${kind.name} of ${bytes} bytes`, steps, replies);
  }),
);

export const LIMITS_CASES: readonly AutobahnCase[] = [...LARGE, ...FRAGMENTED, ...IN_PACKETS, ...TO_AND_FRO];
