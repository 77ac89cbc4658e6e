/** The tables of test/hostile that can be tried again and again, on one hub each. */
import { expect } from "vitest";
import type { HostileCase, Outcome, Scene } from "../hostile/case.js";
import { BINARY_PUBLISH } from "../hostile/cases/binary-publish.js";
import { EVENT_STREAM_ARGS, EVENT_STREAMS } from "../hostile/cases/event-stream.js";
import { HANDSHAKE_ARGS, HANDSHAKES } from "../hostile/cases/handshake.js";
import { HTTP, HTTP_ARGS, HTTP_STORIES } from "../hostile/cases/http.js";
import { MSGPACK } from "../hostile/cases/msgpack.js";
import { READING } from "../hostile/cases/reading.js";
import { REQUESTS } from "../hostile/cases/requests.js";
import { TOPICS } from "../hostile/cases/topics.js";
import { UNREAD_BODIES } from "../hostile/cases/unread-body.js";
import { WEB_SOCKET, WEB_SOCKET_ARGS } from "../hostile/cases/web-socket.js";
import { doorsOf } from "../hostile/session.js";
import { TRANSPORTS, type TransportName } from "../support/transports.js";
import { amount } from "./scale.js";

export interface Family {
  readonly name: string;
  readonly cases: readonly HostileCase[];
  readonly args?: readonly string[];
  readonly transport: TransportName;
}

/** What the transports may meet in different ways. */
const BYTES: readonly Omit<Family, "transport">[] = [
  { name: "frames", cases: WEB_SOCKET, args: WEB_SOCKET_ARGS },
  { name: "handshakes", cases: HANDSHAKES, args: HANDSHAKE_ARGS },
  { name: "requests over HTTP", cases: [...HTTP, ...HTTP_STORIES, ...UNREAD_BODIES], args: HTTP_ARGS },
  { name: "event streams", cases: EVENT_STREAMS, args: EVENT_STREAM_ARGS },
];
/** What is the same behind both of them. */
const REQUEST_TABLES: readonly Omit<Family, "transport">[] = [
  { name: "JSON and msgpack requests", cases: doorsOf([...REQUESTS, ...READING]) },
  { name: "msgpack", cases: doorsOf(MSGPACK) },
  { name: "batch frames", cases: doorsOf(BINARY_PUBLISH) },
  { name: "topics", cases: doorsOf(TOPICS) },
];

const IS_LONG = amount(0, 1) === 1;

export const FAMILIES: readonly Family[] = TRANSPORTS.flatMap((transport, at) =>
  [...BYTES, ...(at === 0 || IS_LONG ? REQUEST_TABLES : [])].map((family) => ({ ...family, transport })),
);

export function outcomeOn({ outcome }: HostileCase, transport: TransportName): Outcome {
  return typeof outcome === "string" ? outcome : outcome[transport];
}

export async function metAsItShould(each: HostileCase, scene: Scene): Promise<void> {
  expect([each.id, await each.meet(scene)]).toEqual([each.id, outcomeOn(each, scene.transport)]);
}
