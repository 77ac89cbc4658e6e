/**
 * `@ringcast/client/debug`: a ready-made listener for the option `debug`, apart from the rest so that pages don't pay
 * for it.
 */
import type { DebugEvent } from "./debug-event.js";

/** Prints what happens with `console.debug`, one line each, data left out: `connect(url, { debug: consoleDebug })`. */
export function consoleDebug(event: DebugEvent): void {
  // eslint-disable-next-line no-console -- it is asked for by name
  console.debug(`ringcast ${describe(event)}`);
}

function describe(event: DebugEvent): string {
  switch (event.type) {
    case "dialing":
      return `dialing ${event.url}`;
    case "closed":
      return `closed ${event.code} ${event.reason}`;
    case "sent":
      return `→ ${fields(event.operation)}`;
    case "received":
      return `← ${fields(event.frame)}`;
  }
}

/** Lists, which hold what users publish, as their length; the rest as JSON of a bounded length. */
function fields(frame: object): string {
  const shown = Object.entries(frame).map(([name, value]: [string, unknown]) => {
    if (Array.isArray(value)) return `${name}=(${value.length})`;
    const text = JSON.stringify(value) as string | undefined;
    return `${name}=${text?.slice(0, MAX_SHOWN)}`;
  });
  return shown.join(" ");
}

const MAX_SHOWN = 200;
