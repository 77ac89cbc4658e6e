/** Requests that change nothing (`history`, `topic`): asked again on the next connection, until time is over. */
import type { HubFrame, RingcastError } from "@ringcast/protocol";
import type { Operation } from "./codec.js";
import { createDeferred, type Deferred } from "./deferred.js";
import { errorOf, unavailable } from "./errors.js";
import type { Link } from "./link.js";

export interface Questions {
  /**
   * Asks and waits for the answer.
   *
   * @throws RingcastError (as a rejection) `unavailable` when time is over, and what the hub refuses with
   */
  ask(operation: Operation): Promise<HubFrame>;
  /** Asks again over a connection that was just made. */
  welcomed(): void;
  close(error: RingcastError): void;
}

export function createQuestions(link: Link, timeoutMs: number): Questions {
  const open = new Map<Deferred<HubFrame>, Operation>();

  const send = (operation: Operation, { resolve, reject }: Deferred<HubFrame>): void => {
    if (link.limits() === undefined) return;
    link.call(operation, (reply) => {
      if (reply.op !== "error") resolve(reply);
      // A hub that is going away: the next one is asked.
      else if (reply.code !== "shutting_down") reject(errorOf(reply));
    });
  };

  return {
    ask: (operation) => {
      const question = createDeferred<HubFrame>();
      const timer = link.runtime.setTimer(timeoutMs, () =>
        question.reject(unavailable(`Not answered in ${timeoutMs} ms.`)),
      );
      open.set(question, operation);
      send(operation, question);
      return question.promise.finally(() => {
        timer.cancel();
        open.delete(question);
      });
    },
    welcomed: () => open.forEach(send),
    close: (error) => {
      for (const { reject } of open.keys()) reject(error);
    },
  };
}
