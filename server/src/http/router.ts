/** Finds the route of a path and a method. */
import { RingcastError, shown } from "@ringcast/protocol";
import { HttpError, type Answer, type VolatileAnswer } from "./answer.js";
import type { Call } from "./port.js";
import { segmentsOf } from "./query.js";

/** What a route comes to: an answer, at once or later; the wish for the body; or `undefined`: it has answered by itself (an event stream). */
export type Outcome = Answered | BodyWanted | undefined;

/** What later is answered must last: others are answered meanwhile. */
export type Answered = Answer | VolatileAnswer | Promise<Answer>;

/** A route that has judged the head, and goes on when the body is there. */
export interface BodyWanted {
  /** A larger one is `too_large`. */
  readonly maxBytes: number;
  /** @param body holds until this returns */
  take(body: Uint8Array): Answered;
}

/** A method of a path. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Segments; `:name` takes any. */
  readonly path: string;
  /** Needs no token. */
  readonly open?: true;
  /** @throws RingcastError what is answered instead */
  handle(call: Call): Outcome;
}

export interface FoundRoute {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Paths of a method that are remembered; beyond it all are forgotten. With their topics' names that is some 200 KiB at most. */
const MOST_KNOWN = 512;
/** A longer path is looked up each time. */
const LONGEST_KNOWN = 128;

/** Routes by path. */
export class Router {
  readonly #paths: readonly { readonly pattern: readonly string[]; readonly routes: readonly Route[] }[];
  readonly #open: ReadonlySet<string>;
  /** What was found, by method and path: the same topics are published to again and again. */
  readonly #known = new Map<string, Map<string, FoundRoute>>();

  /** @param routes those that are asked for the most come first */
  constructor(routes: readonly Route[]) {
    const paths = [...new Set(routes.map(({ path }) => path))];
    this.#paths = paths.map((path) => ({
      pattern: path.slice(1).split("/"),
      routes: routes.filter((route) => route.path === path),
    }));
    this.#open = new Set(paths.filter((path) => routes.every((route) => route.path !== path || route.open === true)));
  }

  /** Whether a path is open to everybody, with whatever method. */
  isOpen(path: string): boolean {
    return this.#open.has(path);
  }

  /**
   * @param method HEAD is served by GET's route
   * @throws RingcastError `unknown_op` for a path that nobody serves, `bad_request` (405) for a method that this path doesn't have
   */
  find(method: string, path: string): FoundRoute {
    const known = this.#known.get(method)?.get(path);
    if (known !== undefined) return known;
    const found = this.#search(method, path);
    if (path.length <= LONGEST_KNOWN) this.#remember(method, path, found);
    return found;
  }

  #remember(method: string, path: string, found: FoundRoute): void {
    const paths = this.#known.get(method);
    if (paths === undefined) this.#known.set(method, new Map([[path, found]]));
    else {
      if (paths.size >= MOST_KNOWN) paths.clear();
      paths.set(path, found);
    }
  }

  #search(method: string, path: string): FoundRoute {
    const segments = segmentsOf(path);
    const wanted = method === "HEAD" ? "GET" : method;
    for (const { pattern, routes } of this.#paths) {
      const params = match(pattern, segments);
      if (params === undefined) continue;
      const route = routes.find((candidate) => candidate.method === wanted);
      if (route === undefined) throw wrongMethod(method, routes);
      return { route, params };
    }
    throw new RingcastError("unknown_op", `There is nothing at ${shown(path)}; docs/protocol.md lists the paths.`);
  }
}

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const isMatch = pattern.every((part, at) => part.startsWith(":") || part === segments[at]);
  if (!isMatch) return undefined;
  const params: Record<string, string> = {};
  pattern.forEach((part, at) => {
    if (part.startsWith(":")) params[part.slice(1)] = segments[at] ?? "";
  });
  return params;
}

function wrongMethod(method: string, routes: readonly Route[]): HttpError {
  const methods = routes.flatMap((route) => (route.method === "GET" ? ["GET", "HEAD"] : [route.method]));
  const allowed = [...methods, "OPTIONS"].join(", ");
  return new HttpError(405, `${shown(method)} is no method of this path; it has ${allowed}.`, {
    headers: { Allow: allowed },
  });
}
