/**
 * What a session does for each operation. A map, so that no name that a stranger sends can mean anything else.
 */
import {
  RingcastError,
  type HistoryRequest,
  type PublishRequest,
  type Request,
  type RequestId,
  type SubscribeRequest,
} from "@ringcast/protocol";
import { type Frame, type Hub, type Publisher, type PublishOutcome, type Reader } from "../hub/index.js";
import type { ControlFrame, Dialect } from "./dialects.js";
import type { PublishName } from "./published.js";
import type { TopicSubscribed } from "./subscribed.js";

/** The side of a session that operations work on. */
export interface Requester {
  readonly hub: Hub;
  readonly dialect: Dialect;
  readonly reader: Reader;
  readonly publisher: Publisher;
  /** Undefined where no token is required. */
  readonly subject: string | undefined;
  /** Wall clock. */
  nowMs(): number;
  reply(frame: ControlFrame): void;
  /** Answers a subscription to one topic. */
  subscribed(reply: TopicSubscribed): void;
  /** Answers a publish. */
  published(request: PublishName, outcome: PublishOutcome): void;
  /** An answer that may be large: made at once, or when its turn has come where others wait. */
  replyLater(make: () => Frame): void;
  /** Answers with an error; what is no RingcastError becomes `internal`. */
  refuse(id: RequestId, error: unknown): void;
  /** The same as a frame, for an answer that is made later. */
  refusal(id: RequestId, error: RingcastError): Frame;
  /** Checks a token, answers, and ends the connection where it is wrong. */
  authenticate(id: RequestId, token: string): void;
}

type Operation<R extends Request> = (requester: Requester, request: R) => void;

const OPERATIONS: ReadonlyMap<string, Operation<never>> = new Map<string, Operation<never>>([
  operation("publish", publish),
  operation("subscribe", subscribe),
  operation("unsubscribe", (requester, { id, subscription }) => {
    requester.reader.unsubscribe(subscription);
    requester.reply({ op: "unsubscribed", id, subscription });
  }),
  operation("ack", (requester, request) => {
    requester.reader.ack(request);
    if (request.id !== undefined) requester.reply({ op: "acked", id: request.id });
  }),
  operation("history", history),
  operation("topic", (requester, { id, topic }) => {
    requester.reply({ op: "topic", id, topic: requester.hub.describe(topic) });
  }),
  operation("auth", (requester, { id, token }) => requester.authenticate(id, token)),
  operation("ping", (requester, { id }) => requester.reply({ op: "pong", id, time: requester.nowMs() })),
]);

/**
 * Carries out a request and answers it, now or later.
 * @throws RingcastError what the operation is refused with
 */
export function carryOut(requester: Requester, request: Request): void {
  const run = OPERATIONS.get(request.op) as Operation<Request> | undefined;
  if (run === undefined) throw new RingcastError("unknown_op", `The hub has no operation "${request.op}".`);
  run(requester, request);
}

function operation<Op extends Request["op"]>(
  op: Op,
  run: Operation<Extract<Request, { op: Op }>>,
): [string, Operation<never>] {
  return [op, run];
}

function publish(requester: Requester, request: PublishRequest): void {
  const outcome = requester.publisher.publish(request, requester.subject);
  if (outcome instanceof Promise) answerLater(requester, request, outcome);
  else requester.published(request, outcome);
}

/** Bytes of the frame are gone by then: of the request no more is kept than the reply needs. */
function answerLater(requester: Requester, { id, batch }: PublishName, outcome: Promise<PublishOutcome>): void {
  outcome.then(
    (stored) => requester.published({ id, batch }, stored),
    (error: unknown) => requester.refuse(id, error),
  );
}

function subscribe(requester: Requester, request: SubscribeRequest): void {
  const { id, topic, pattern } = request;
  const { subscription, partitions, topics, more } = requester.reader.subscribe(request);
  if (topic !== undefined && partitions !== undefined) {
    requester.subscribed({ op: "subscribed", id, subscription, topic, partitions });
    return;
  }
  requester.reply({
    op: "subscribed",
    id,
    subscription,
    ...(pattern === undefined ? {} : { pattern }),
    ...(topics === undefined ? {} : { topics }),
    ...(more ? { more } : {}),
  });
}

/** A page may be large: a client that asks for a thousand at once must cost no memory. */
function history(requester: Requester, request: HistoryRequest): void {
  const { id } = request;
  const { hub, dialect } = requester;
  requester.replyLater(() => {
    try {
      return dialect.encodeHistory(id, hub.history(request, dialect.name));
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      return requester.refusal(id, error);
    }
  });
}
