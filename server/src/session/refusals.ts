/**
 * What a session refuses by itself, as frames.
 */
import { RingcastError, type ErrorFrame, type Request, type RequestId } from "@ringcast/protocol";
import type { Overdue } from "./times.js";

/** What an error carries of the request that it answers. */
export type RequestName = Pick<ErrorFrame, "id" | "subscription" | "partition" | "offset">;

export function wrongToken(): ErrorFrame {
  return { op: "error", code: "unauthorized", message: "The token is wrong or no longer valid: use another one." };
}

/** @param frame whose name it takes over: of the refused request, or empty */
export function notAuthenticated({ id, subscription, partition, offset }: RequestName): ErrorFrame {
  const message = "Give a token first: as a header, as a subprotocol, or with the operation auth.";
  const name = {
    ...(id === undefined ? {} : { id }),
    ...(subscription === undefined ? {} : { subscription }),
    ...(partition === undefined ? {} : { partition }),
    ...(offset === undefined ? {} : { offset }),
  };
  return { op: "error", ...name, code: "unauthorized", message };
}

/** What a connection is told whose time is over; undefined: nothing, since nobody is listening. */
export function overdueFrame(overdue: Overdue): ErrorFrame | undefined {
  if (overdue === "unauthenticated") return notAuthenticated({});
  if (overdue !== "expired") return undefined;
  return { op: "error", code: "unauthorized", message: "The token has expired: connect again with a new one." };
}

/** How an error says which request it answers: by its id, or an `ack` without one by its record. */
export function nameOf(request: Request): RequestName {
  if (request.op !== "ack" || request.id !== undefined) return { id: request.id as RequestId };
  const { subscription, partition, offset } = request;
  return { subscription, partition, offset };
}

export function toRingcastError(error: unknown): RingcastError {
  if (error instanceof RingcastError) return error;
  return new RingcastError(
    "internal",
    "The hub failed at this request: that is a fault of ours.",
    {},
    { cause: error },
  );
}
