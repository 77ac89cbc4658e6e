import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DISCARD_BYTES, DISCARD_PAUSE_MS } from "../../../../server/src/transport/limits.js";
import { RequestBody } from "../../../../server/src/transport/request-body.js";

const LATE_MS = 10_000;

describe("RequestBody", () => {
  it("joins its pieces, those that came before somebody asked too", async () => {
    const body = new RequestBody(6);
    body.add(Buffer.from("ab"));
    const whole = body.read(6, LATE_MS);
    body.add(Buffer.from("cd"));
    expect(body.missingBytes).toBe(2);
    body.add(Buffer.from("ef"));
    body.complete();
    expect(Buffer.from(await whole).toString()).toBe("abcdef");
    expect(body.missingBytes).toBe(0);
  });

  it("is there at once when nothing was announced", async () => {
    expect(await new RequestBody(0).read(0, LATE_MS)).toHaveLength(0);
  });

  it("is refused by its announcement before a byte has come", async () => {
    await expect(new RequestBody(11).read(10, LATE_MS)).rejects.toMatchObject({ code: "too_large" });
  });

  it("is refused one byte past the limit when it comes in chunks", async () => {
    const body = new RequestBody(undefined);
    const whole = body.read(10, LATE_MS);
    body.add(Buffer.alloc(10));
    expect(body.isWanted).toBe(true);
    body.add(Buffer.alloc(1));
    await expect(whole).rejects.toMatchObject({ code: "too_large" });
    expect(body.isWanted).toBe(false);
  });

  it("is refused when it is late, and when it is cut off", async () => {
    await expect(new RequestBody(1).read(1, 1)).rejects.toThrow("Send the whole body within 1 ms.");
    const body = new RequestBody(1);
    body.cutOff();
    await expect(body.read(1, LATE_MS)).rejects.toMatchObject({ code: "bad_request" });
  });
});

describe("A body that is swallowed", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** @returns the body, and how often it was told to be over */
  function swallowed(announcedBytes: number | undefined): { body: RequestBody; over: { times: number } } {
    const body = new RequestBody(announcedBytes);
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
    const body = new RequestBody(undefined);
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
