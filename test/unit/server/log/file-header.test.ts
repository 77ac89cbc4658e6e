import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  COPY_BYTES,
  FILE_HEADER_BYTES,
  type FileHeader,
  readHeader,
  readHeadWords,
  SELECTOR_AT,
  SLOT_BYTES,
  SLOTS_AT,
  writeHeader,
  writeHeadWords,
} from "../../../../server/src/log/file-header.js";

/** The worked example of docs/log-format.md. */
const HEADER: FileHeader = {
  topic: "quakes",
  partition: 3,
  capacityBytes: 65_536,
  syncedAddress: 4_096,
  syncedOffset: 40,
  tailAddress: 0,
  tailOffset: 0,
  lastTimestamp: 1_763_600_000_000,
  state: "open",
  bootId: "000102030405060708090a0b0c0d0e0f",
  run: 0,
  lineage: [
    { epoch: "k3Jd9_aQx0Zp", first: 0 },
    { epoch: "Vb27-LmWcR4t", first: 37 },
  ],
};
const WORDS = { headAddress: 4_272, head: 41, tailAddress: 0, tail: 0, lastTimestamp: 1_763_600_000_000 };

function memory(): { bytes: Uint8Array<ArrayBuffer>; view: DataView<ArrayBuffer> } {
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** The hex lines of a section of the page: `offset  bytes  what`, of bytes that aren't zero. */
function documented(section: string): { at: number; hex: string }[] {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/log-format.md"), "utf8");
  const block = page.split(`<!-- ${section} -->`)[1]?.split("```")[1] ?? "";
  return block
    .split("\n")
    .map((line) => /^ *(\d+) {2}((?:[0-9a-f]{2} ?)+)/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ at: Number(match[1]), hex: (match[2] as string).replaceAll(" ", "") }));
}

/** A memory of zeros with the documented bytes in it. */
function fromDocumentation(section: string): string {
  const { bytes } = memory();
  for (const { at, hex } of documented(section)) bytes.set(Buffer.from(hex, "hex"), at);
  return Buffer.from(bytes).toString("hex");
}

describe("the header of a log file", () => {
  it("comes back as it was written, from either copy", () => {
    for (const sequence of [6, 7]) {
      const { bytes, view } = memory();
      writeHeader(bytes, view, 0, { ...HEADER, sequence });
      expect(readHeader(bytes, view, 0)).toEqual({ kind: "header", header: HEADER, sequence });
      expect(bytes.subarray((sequence % 2) * COPY_BYTES).some((byte) => byte !== 0)).toBe(true);
    }
  });

  it("stands byte for byte as in the documentation", () => {
    const { bytes, view } = memory();
    writeHeader(bytes, view, 0, { ...HEADER, sequence: 8 });
    writeHeadWords(view, 0, 5, WORDS);
    expect(documented("header example").length).toBeGreaterThan(10);
    expect(Buffer.from(bytes).toString("hex")).toBe(fromDocumentation("header example"));
  });

  it("is no header with any bit of its only copy flipped", () => {
    const { bytes, view } = memory();
    writeHeader(bytes, view, 0, { ...HEADER, sequence: 8 });
    for (let at = 0; at < COPY_BYTES; at++) {
      const mask = 1 << (at % 8);
      bytes[at] = (bytes[at] as number) ^ mask;
      expect(readHeader(bytes, view, 0).kind).toBe("none");
      bytes[at] = (bytes[at] as number) ^ mask;
    }
  });

  it("falls back on the older copy when the newer is damaged", () => {
    const { bytes, view } = memory();
    writeHeader(bytes, view, 0, { ...HEADER, sequence: 8 });
    writeHeader(bytes, view, 0, { ...HEADER, sequence: 9, syncedOffset: 41 });
    expect(readHeader(bytes, view, 0)).toMatchObject({ sequence: 9 });
    bytes[COPY_BYTES + 200] = 1;
    expect(readHeader(bytes, view, 0)).toMatchObject({ sequence: 8, header: { syncedOffset: 40 } });
  });
});

describe("the head words", () => {
  const next = { ...WORDS, headAddress: 4_448, head: 42 };

  it("are those written last, whatever the count", () => {
    for (const count of [1, 2, 3, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0]) {
      const { view } = memory();
      writeHeadWords(view, 0, (count - 1) >>> 0, WORDS);
      writeHeadWords(view, 0, count, next);
      expect(readHeadWords(view, 0)).toEqual({ ...next, count });
    }
  });

  it("hold the older or the newer state, whole, after every single store of an update", () => {
    const before = memory();
    writeHeadWords(before.view, 0, 7, WORDS);
    writeHeadWords(before.view, 0, 8, WORDS);
    const after = new Uint8Array(before.bytes);
    writeHeadWords(new DataView(after.buffer), 0, 9, next);
    // In the order in which they are stored: count, the numbers, the check, the selector.
    const slot = SLOTS_AT + SLOT_BYTES;
    const places = [slot, ...Array.from({ length: 10 }, (_, i) => slot + 8 + 4 * i), slot + 4, SELECTOR_AT];
    for (const place of places) {
      before.bytes.set(after.subarray(place, place + 4), place);
      const { head, headAddress, count } = readHeadWords(before.view, 0) ?? {};
      expect([
        [41, 4_272, 8],
        [42, 4_448, 9],
      ]).toContainEqual([head, headAddress, count]);
    }
    expect(readHeadWords(before.view, 0)).toMatchObject({ head: 42 });
  });

  it("are not believed with a bit flipped in the slot that holds", () => {
    const { bytes, view } = memory();
    writeHeadWords(view, 0, 7, WORDS);
    writeHeadWords(view, 0, 8, next);
    for (let at = SLOTS_AT; at < SLOTS_AT + 48; at++) {
      const mask = 1 << (at % 8);
      bytes[at] = (bytes[at] as number) ^ mask;
      expect(readHeadWords(view, 0)).toBeUndefined();
      bytes[at] = (bytes[at] as number) ^ mask;
    }
  });

  it("are none in a page of zeros", () => {
    expect(readHeadWords(memory().view, 0)).toBeUndefined();
  });
});
