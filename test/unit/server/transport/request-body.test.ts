import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RingcastError } from "@ringcast/protocol";
import { LateBodies } from "../../../../server/src/transport/late-bodies.js";
import { DISCARD_BYTES, DISCARD_PAUSE_MS } from "../../../../server/src/transport/limits.js";
import { RequestBody } from "../../../../server/src/transport/request-body.js";

const LATE_MS = 10_000;

describe("RequestBody", () => {
  it("joins its pieces, those that came before somebody asked too", () => {
    const body = bodyOf(6);
    body.add(Buffer.from("ab"));
    const told = read(body, 6);
    body.add(Buffer.from("cd"));
    expect(body.missingBytes).toBe(2);
    body.completeWith(Buffer.from("ef"));
    expect(textOf(told)).toBe("abcdef");
    expect(body.missingBytes).toBe(0);
  });

  it("hands over its only piece as it is, before that may be overwritten", () => {
    const body = bodyOf(2);
    const told = read(body, 2);
    const piece = Buffer.from("ab");
    body.completeWith(piece);
    expect(told[0]).toBe(piece);
  });

  it("keeps a copy of a last piece that nobody has asked for yet", () => {
    const body = bodyOf(2);
    const piece = Buffer.from("ab");
    body.completeWith(piece);
    piece.fill("x");
    expect(textOf(read(body, 2))).toBe("ab");
  });

  it("is there at once when nothing was announced", () => {
    expect(textOf(read(bodyOf(0), 0))).toBe("");
  });

  it("is refused by its announcement before a byte has come", () => {
    expect(read(bodyOf(11), 10)).toMatchObject([{ code: "too_large" }]);
  });

  it("is refused one byte past the limit when it comes in chunks", () => {
    const body = bodyOf(undefined);
    const told = read(body, 10);
    body.add(Buffer.alloc(10));
    expect(body.isWanted).toBe(true);
    body.add(Buffer.alloc(1));
    body.complete();
    expect(told).toMatchObject([{ code: "too_large" }]);
    expect(body.isWanted).toBe(false);
  });

  it("is refused when it is cut off, before it is asked for or later", () => {
    const before = bodyOf(1);
    before.cutOff();
    expect(read(before, 1)).toMatchObject([{ code: "bad_request" }]);
    const later = bodyOf(1);
    const told = read(later, 1);
    later.cutOff();
    later.cutOff();
    expect(told).toMatchObject([{ code: "bad_request" }]);
  });
});

describe("Bodies that are late", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("are refused each in its own time, by one timer", () => {
    const lateBodies = new LateBodies(LATE_MS);
    const first = read(new RequestBody(1, lateBodies), 1);
    vi.advanceTimersByTime(LATE_MS / 2);
    const second = read(new RequestBody(1, lateBodies), 1);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(LATE_MS / 2 - 1);
    expect(first).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(first).toMatchObject([{ code: "bad_request", message: `Send the whole body within ${LATE_MS} ms.` }]);
    expect(second).toEqual([]);
    vi.advanceTimersByTime(LATE_MS / 2);
    expect(second).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leave alone what has come in the meantime", () => {
    const body = bodyOf(1);
    const told = read(body, 1);
    body.completeWith(Buffer.from("a"));
    vi.advanceTimersByTime(2 * LATE_MS);
    expect(textOf(told)).toBe("a");
    expect(body.isLate).toBe(false);
  });
});

function bodyOf(announcedBytes: number | undefined): RequestBody {
  return new RequestBody(announcedBytes, new LateBodies(LATE_MS));
}

/** @returns what it has come to, each time */
function read(body: RequestBody, maxBytes: number): (Uint8Array | RingcastError)[] {
  const told: (Uint8Array | RingcastError)[] = [];
  body.read(maxBytes, (outcome) => told.push(outcome));
  return told;
}

function textOf(told: readonly (Uint8Array | RingcastError)[]): string {
  expect(told).toHaveLength(1);
  return Buffer.from(told[0] as Uint8Array).toString();
}

describe("A body that is swallowed", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** @returns the body, and how often it was told to be over */
  function swallowed(announcedBytes: number | undefined): { body: RequestBody; over: { times: number } } {
    const body = bodyOf(announcedBytes);
    const over = { times: 0 };
    body.swallow(LATE_MS, () => over.times++);
    return { body, over };
  }

  it("is over when all of it has come, once", () => {
    const { body, over } = swallowed(2);
    body.skip(1);
    expect(over.times).toBe(0);
    body.skip(1);
    body.complete();
    body.cutOff();
    expect(over.times).toBe(1);
  });

  it("is over when its peer has gone", () => {
    const { body, over } = swallowed(2);
    body.cutOff();
    expect(over.times).toBe(1);
  });

  it("is over, a little later, when it had come already", async () => {
    const { over } = swallowed(0);
    expect(over.times).toBe(0);
    await Promise.resolve();
    expect(over.times).toBe(1);
  });

  it("is over one byte past the limit, pieces before it not counted", () => {
    const body = bodyOf(undefined);
    body.add(Buffer.alloc(1_000));
    let isOver = false;
    body.swallow(LATE_MS, () => (isOver = true));
    body.add(Buffer.alloc(DISCARD_BYTES));
    expect(isOver).toBe(false);
    body.skip(1);
    expect(isOver).toBe(true);
  });

  it("is over when no more comes for a while", () => {
    const { body, over } = swallowed(undefined);
    vi.advanceTimersByTime(DISCARD_PAUSE_MS - 1);
    body.skip(1);
    vi.advanceTimersByTime(DISCARD_PAUSE_MS - 1);
    expect(over.times).toBe(0);
    vi.advanceTimersByTime(1);
    expect(over.times).toBe(1);
  });

  it("is over when it takes too long, however often a byte comes", () => {
    const { body, over } = swallowed(undefined);
    for (let sinceMs = 0; sinceMs <= LATE_MS; sinceMs += 500) {
      expect(over.times).toBe(0);
      vi.advanceTimersByTime(500);
      body.skip(1);
    }
    expect(over.times).toBe(1);
  });
});
