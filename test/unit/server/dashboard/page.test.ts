import { describe, expect, test } from "vitest";
import { Integrity } from "../../../../server/src/dashboard/page/integrity.js";
import {
  landRings,
  project,
  WORLD_HALF_HEIGHT,
  WORLD_HALF_WIDTH,
} from "../../../../server/src/dashboard/page/projection.js";
import { Timeline } from "../../../../server/src/dashboard/page/timeline.js";

describe("Integrity", () => {
  test("counts a number that is left out as lost, and one that comes again as repeated", () => {
    const integrity = new Integrity();
    for (const offset of [5, 6, 9, 9, 7, 10]) integrity.take(0, offset);
    expect(integrity).toMatchObject({ lost: 2, repeated: 2, announced: 0 });
  });

  test("takes announced records out of the loss, even if the gap is told early", () => {
    const integrity = new Integrity();
    integrity.announce({ from: 7, to: 8, next: 9 });
    for (const offset of [5, 6, 9, 11]) integrity.take(0, offset);
    expect(integrity).toMatchObject({ lost: 1, announced: 2 });
  });

  test("keeps partitions apart, and begins anew at another history", () => {
    const integrity = new Integrity();
    integrity.take(0, 10);
    integrity.take(1, 3);
    integrity.restart();
    integrity.expect(0, 0);
    expect([integrity.take(0, 0), integrity.take(1, 40)]).toEqual([true, true]);
    expect(integrity).toMatchObject({ lost: 0, repeated: 0 });
  });
});

describe("Timeline", () => {
  const day = 86_400_000;
  function lineOf(...timestamps: number[]): Timeline {
    const line = new Timeline();
    for (const timestamp of timestamps) line.add({ timestamp, magnitude: 1, quakeTime: timestamp * 2 });
    return line;
  }

  test("draws a day of silence as short as a few seconds", () => {
    const line = lineOf(0, 1000, day, day + 1000);
    expect(line.lengthAt(day + 2000)).toBe(1000 + 4000 + 1000 + 1000);
    expect(line.lengthAt(3 * day)).toBe(1000 + 4000 + 1000 + 4000);
  });

  test("finds the moment of a place, and the place of a moment", () => {
    const line = lineOf(0, 1000, day, day + 1000);
    for (const time of [0, 400, 1000, 3000, day, day + 500, day + 1000]) {
      expect(line.momentAt(line.placeOf(time))?.timeMs).toBe(time);
    }
    expect(line.momentAt(700)?.mark.timestamp).toBe(0);
    expect(line.placeOf(-5)).toBe(0);
    expect(line.placeOf(day / 2)).toBe(5000);
  });

  test("is empty without records", () => {
    expect(new Timeline().momentAt(3)).toBeUndefined();
    expect(new Timeline().lengthAt(day)).toBe(0);
  });

  test("counts the records of each column, the last one included", () => {
    const columns = lineOf(0, 10, 20, 100).columns(4, 100);
    expect(columns.map(({ count }) => count)).toEqual([3, 0, 0, 1]);
  });
});

describe("projection", () => {
  test("keeps the equator and the poles where they belong", () => {
    expect(project(0, 0)).toEqual([0, 0]);
    expect(project(180, 0)[0]).toBeCloseTo(WORLD_HALF_WIDTH, 10);
    expect(project(0, 90)[1]).toBeCloseTo(WORLD_HALF_HEIGHT, 10);
    expect(project(0, -90)[1]).toBeCloseTo(-WORLD_HALF_HEIGHT, 10);
  });

  test("agrees with PROJ", () => {
    // What PROJ's own test of +proj=natearth +a=6400000 expects at 2° east, 1° north, in metres.
    const [x, y] = project(2, 1);
    expect(x * 6_400_000).toBeCloseTo(194507.265257889288, 6);
    expect(y * 6_400_000).toBeCloseTo(112508.737358294515, 6);
  });

  test("joins arcs, backwards where the index says so", () => {
    const rings = landRings({
      transform: { scale: [2, 3], translate: [10, 20] },
      arcs: [
        [
          [0, 0],
          [1, 1],
        ],
        [
          [5, 5],
          [0, 1],
        ],
      ],
      objects: { land: { arcs: [[[0, ~1]]] } },
    });
    expect(rings).toEqual([
      [
        [10, 20],
        [12, 23],
        [20, 38],
        [20, 35],
      ],
    ]);
  });
});
