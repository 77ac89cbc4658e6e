/** Instants and numbers as people read them. Quakes in UTC, the log in the reader's own time. */

const DATE = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});
const LOCAL = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const LOCAL_WITH_DAY = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const COUNT = new Intl.NumberFormat("en-GB");
const DAY_MS = 86_400_000;

/** `Tue, 6 Feb 2018` */
export function dateText(timeMs: number): string {
  return DATE.format(timeMs);
}

/** `03:12 UTC` */
export function hourText(timeMs: number): string {
  return `${CLOCK.format(timeMs)} UTC`;
}

/** `6 Feb, 03:12 UTC` */
export function clockText(timeMs: number): string {
  return `${SHORT.format(timeMs)} UTC`;
}

/** When something was stored, in the reader's own time: `14:02:31`, with the day when it was not today. */
export function logText(timeMs: number): string {
  return (Math.abs(Date.now() - timeMs) > DAY_MS / 2 ? LOCAL_WITH_DAY : LOCAL).format(timeMs);
}

/** `1,707` */
export function countText(count: number): string {
  return COUNT.format(count);
}
