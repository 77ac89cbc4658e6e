/**
 * An earthquake as it stands in the data of a message on the topic `quakes`. Needs nothing, so that the page uses it too.
 */

/** The topic that the demo publishes to and its page reads. */
export const QUAKES_TOPIC = "quakes";

/** Data of one message on {@link QUAKES_TOPIC}. */
export interface Quake {
  /** Identifier of the US Geological Survey, unique among quakes. */
  readonly id: string;
  /** Local or moment magnitude; small ones can be below 0. */
  readonly magnitude: number;
  /** Where it was, in words. */
  readonly place: string;
  /** When the earth shook: milliseconds since 1970. The message's own timestamp says when it was published. */
  readonly time: number;
  /** Degrees, -180 to 180. */
  readonly longitude: number;
  /** Degrees, -90 to 90. */
  readonly latitude: number;
  readonly depthKm: number;
  /** `earthquake`, `explosion`, `quarry blast`, … */
  readonly type: string;
}

/** Whether the data of a message, which anybody may have published, is a quake that can be drawn. */
export function isQuake(data: unknown): data is Quake {
  if (typeof data !== "object" || data === null) return false;
  const quake = data as Partial<Record<keyof Quake, unknown>>;
  return (
    typeof quake.id === "string" &&
    typeof quake.place === "string" &&
    typeof quake.type === "string" &&
    isWithin(quake.magnitude, -10, 12) &&
    isWithin(quake.longitude, -180, 180) &&
    isWithin(quake.latitude, -90, 90) &&
    isWithin(quake.depthKm, -100, 7000) &&
    isWithin(quake.time, 0, LAST_TIME_MS)
  );
}

/** The last instant that a `Date` can hold. */
const LAST_TIME_MS = 8.64e15;

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}
