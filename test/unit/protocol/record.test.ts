import { describe, expect, it } from "vitest";
import {
  CONTENT_TYPE,
  MIN_FILLER_BYTES,
  NO_HEADERS,
  NO_PRODUCER,
  checkRecord,
  hubCheckSeed,
  isFiller,
  isHubPartIntact,
  isPayloadIntact,
  lengthOf,
  offsetOf,
  recordSize,
  writeFiller,
  writeRecord,
} from "@ringcast/protocol";
import type { NewMessage, RecordStamp } from "@ringcast/protocol";

const seed = hubCheckSeed("e", 0);

function messageOf(length: number, key?: Uint8Array): NewMessage {
  return { contentType: CONTENT_TYPE.bytes, data: new Uint8Array(length).fill(7), key, headers: NO_HEADERS };
}

function stampAt(address: number): RecordStamp {
  return { offset: 5, timestamp: 9, flags: 0, seed, address, producer: NO_PRODUCER };
}

describe("record sizes", () => {
  it.each([
    [0, 48],
    [1, 56],
    [8, 56],
    [9, 64],
  ])("%i bytes of data take %i", (length, size) => {
    expect(recordSize(messageOf(length))).toBe(size);
  });
});

describe("fillers", () => {
  it("close a lap with as little as 8 bytes", () => {
    const view = new DataView(new ArrayBuffer(16));
    writeFiller(view, 8, MIN_FILLER_BYTES, seed, 4_096);
    expect(checkRecord(view, 8, 16)).toBe(8);
    expect(isFiller(view, 8)).toBe(true);
    expect(isHubPartIntact(view, 8, seed, 4_096)).toBe(true);
    expect(isHubPartIntact(view, 8, seed, 4_104)).toBe(false);
  });

  it("touch only their first 8 bytes", () => {
    const view = new DataView(new ArrayBuffer(64));
    view.setUint8(8, 0xaa);
    writeFiller(view, 0, 64, seed, 0);
    expect(lengthOf(view, 0)).toBe(64);
    expect(view.getUint8(8)).toBe(0xaa);
  });
});

describe("checkRecord", () => {
  const bytes = new Uint8Array(recordSize(messageOf(3)));
  const view = new DataView(bytes.buffer);

  function broken(at: number, value: number): number {
    writeRecord(bytes, view, 0, messageOf(3), stampAt(0));
    view.setUint32(at, value, true);
    return checkRecord(view, 0, bytes.length);
  }

  it.each([
    ["length 0", 4, 0],
    ["length 7", 4, 7],
    ["a length that isn't aligned", 4, 54],
    ["an unknown kind", 4, 56 | 2],
    ["a length beyond the end", 4, 64],
    ["a length of 2^31", 4, 0x8000_0000],
    ["a length shorter than a record", 4, 40],
    ["an offset over 2^53", 12, 0x20_0000],
    ["a timestamp over 2^53", 20, 0x20_0000],
    ["a producer part that is too short", 24, 1 << 16],
    ["data over the record", 36, 9],
    ["data over 2^31", 36, 0xffff_ffff],
    ["data that leaves a rest of 8", 36, 0],
    ["a key without the attribute", 40, 1],
    ["headers over the record", 40, 9 << 16],
  ])("refuses %s", (_, at, value) => {
    expect(broken(at, value)).toBe(0);
  });

  it.each([0, 4, 7, 8, 47, 55])("refuses a record cut after %i bytes", (length) => {
    writeRecord(bytes, view, 0, messageOf(3), stampAt(0));
    expect(checkRecord(view, 0, length)).toBe(0);
  });

  it("finds nothing in zeros", () => {
    expect(checkRecord(new DataView(new ArrayBuffer(64)), 0, 64)).toBe(0);
  });
});

describe("the hub check", () => {
  it("tells every lap of every ring apart", () => {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    for (const address of [0, 8, 65_536, 2 ** 32, 2 ** 35, 2 ** 50]) {
      writeRecord(bytes, view, 0, messageOf(1), stampAt(address));
      for (const other of [0, 8, 65_536, 2 ** 32, 2 ** 35, 2 ** 50]) {
        expect(isHubPartIntact(view, 0, seed, other)).toBe(other === address);
      }
    }
  });

  it("covers the payload check, so that a payload can't be exchanged", () => {
    const bytes = new Uint8Array(112);
    const view = new DataView(bytes.buffer);
    writeRecord(bytes, view, 0, messageOf(3), stampAt(0));
    writeRecord(bytes, view, 56, messageOf(4), stampAt(0));
    bytes.copyWithin(32, 56 + 32, 112);
    expect(isPayloadIntact(view, 0)).toBe(true);
    expect(isHubPartIntact(view, 0, seed, 0)).toBe(false);
  });

  it("keeps an empty key apart from none", () => {
    const bytes = new Uint8Array(56);
    const view = new DataView(bytes.buffer);
    writeRecord(bytes, view, 0, messageOf(1, new Uint8Array(0)), stampAt(0));
    const checked = view.getUint32(32, true);
    writeRecord(bytes, view, 0, messageOf(1), stampAt(0));
    expect(view.getUint32(32, true)).not.toBe(checked);
    expect(offsetOf(view, 0)).toBe(5);
  });
});
