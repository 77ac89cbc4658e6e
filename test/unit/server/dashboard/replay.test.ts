import { describe, expect, test } from "vitest";
import { RingcastError } from "@ringcast/protocol";
import { isQuake } from "../../../../server/src/dashboard/quake.js";
import { parseSpeed, readMark, replayWeek, type ReplayMessage } from "../../../../server/src/dashboard/replay.js";
import type { ReportedQuake } from "../../../../server/src/dashboard/week.js";

const HOUR_MS = 3_600_000;

/** A clock that jumps to whatever is waited for. */
class JumpingClock {
  nowMs = 0;
  monotonicMs = (): number => this.nowMs;
  setTimer = (delayMs: number, callback: () => void) => {
    let isCancelled = false;
    queueMicrotask(() => {
      if (isCancelled) return;
      this.nowMs += delayMs;
      callback();
    });
    return { cancel: () => void (isCancelled = true) };
  };
}

function quakeAt(hours: number): ReportedQuake {
  const quake = { id: `q${hours}`, magnitude: 1, place: "here", time: hours * HOUR_MS, longitude: 1, latitude: 2 };
  return { network: "ci", quake: { ...quake, depthKm: 3, type: "earthquake" } };
}

describe("replayWeek", () => {
  const week = [0, 1, 4, 4, 10].map(quakeAt);
  const options = { week, replay: "r1", speed: 2, first: 0, signal: new AbortController().signal };

  test("publishes each quake when it is due, in order, with its network as the key", async () => {
    const clock = new JumpingClock();
    const published: [number, ReplayMessage][] = [];
    const publish = (message: ReplayMessage) => Promise.resolve(published.push([clock.nowMs, message]));
    expect(await replayWeek({ ...options, clock, publish })).toBe(true);
    expect(published.map(([at]) => at)).toEqual([0, 500, 2000, 2000, 5000]);
    expect(published.map(([, { data }]) => data)).toEqual(week.map(({ quake }) => quake));
    expect(published[1]?.[1]).toMatchObject({ key: "ci", headers: { replay: "r1", "replay-index": "1" } });
    expect(published.every(([, message]) => isQuake(message.data))).toBe(true);
  });

  test("goes on at the quake that an interrupted replay wanted next, which is due at once", async () => {
    const clock = new JumpingClock();
    const published: [number, string][] = [];
    const publish = ({ data }: ReplayMessage) => Promise.resolve(published.push([clock.nowMs, data.id]));
    await replayWeek({ ...options, first: 3, clock, publish });
    expect(published).toEqual([
      [0, "q4"],
      [3000, "q10"],
    ]);
  });

  test("publishes late quakes at once instead of shifting the rest", async () => {
    const clock = new JumpingClock();
    const times: number[] = [];
    const publish = () => {
      times.push(clock.nowMs);
      if (times.length === 1) clock.nowMs = 3000;
      return Promise.resolve();
    };
    await replayWeek({ ...options, clock, publish });
    expect(times).toEqual([0, 3000, 3000, 3000, 5000]);
  });

  test("tries again what was refused for the moment, and never skips", async () => {
    const clock = new JumpingClock();
    const stored: string[] = [];
    let refusals = 3;
    const publish = ({ data }: ReplayMessage) => {
      if (data.id === "q1" && refusals-- > 0) return Promise.reject(new RingcastError("unavailable", "Disk full."));
      return Promise.resolve(stored.push(data.id));
    };
    expect(await replayWeek({ ...options, clock, publish })).toBe(true);
    expect(stored).toEqual(week.map(({ quake }) => quake.id));
  });

  test("ends with the error that no other try can mend", async () => {
    const publish = () => Promise.reject(new RingcastError("forbidden", "No."));
    await expect(replayWeek({ ...options, clock: new JumpingClock(), publish })).rejects.toMatchObject({
      code: "forbidden",
    });
  });

  test("ends between two quakes when it is aborted", async () => {
    const ending = new AbortController();
    let count = 0;
    const publish = () => {
      if (++count === 2) ending.abort();
      return Promise.resolve();
    };
    expect(await replayWeek({ ...options, clock: new JumpingClock(), signal: ending.signal, publish })).toBe(false);
    expect(count).toBe(2);
  });
});

describe("readMark", () => {
  test("reads back what a replay wrote", () => {
    const headers = { replay: "hub-1", "replay-index": "7", "replay-speed": "0.5" };
    expect(readMark(headers)).toEqual({ replay: "hub-1", index: 7, speed: 0.5 });
  });

  test.each([
    undefined,
    {},
    { replay: "x" },
    { replay: "x", "replay-index": "-1", "replay-speed": "2" },
    { replay: "x", "replay-index": "1.5", "replay-speed": "2" },
    { replay: "x", "replay-index": "1", "replay-speed": "fast" },
    { replay: "x", "replay-index": "1", "replay-speed": "0" },
  ])("takes %j for no replay's", (headers) => {
    expect(readMark(headers)).toBeUndefined();
  });
});

test.each([0, -1, 1001, NaN, Infinity, "2", null])("a speed of %j is refused by its field", (speed) => {
  expect(() => parseSpeed(speed)).toThrow(
    expect.objectContaining({ code: "bad_request", details: { field: "speed" } }),
  );
});

test.each([
  null,
  7,
  "quake",
  [],
  {},
  { ...quakeAt(1).quake, magnitude: "5" },
  { ...quakeAt(1).quake, magnitude: NaN },
  { ...quakeAt(1).quake, latitude: 91 },
  { ...quakeAt(1).quake, longitude: -181 },
  { ...quakeAt(1).quake, time: 8.65e15 },
  { ...quakeAt(1).quake, place: undefined },
])("%j is no quake", (data) => {
  expect(isQuake(data)).toBe(false);
});
