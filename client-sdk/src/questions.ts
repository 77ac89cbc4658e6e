/** Requests that change nothing (`history`, `topic`): asked again on the next connection, until time is over. */
import type { HubFrame, RingcastError } from "@ringcast/protocol";
import type { Operation } from "./codec.js";
import { createDeferred, type Deferred } from "./deferred.js";
import type { Link, Part } from "./link.js";

export interface Questions extends Part {
  /**
   * Asks and waits for the answer; without an operation for the connection alone, and the answer is undefined.
   *
   * @throws RingcastError (as a rejection) `unavailable` when time is over, and what the hub refuses with
   */
  ask(operation?: Operation): Promise<HubFrame | undefined>;
}

/** @param why there is no answer: the state of the connection, where that is the reason */
export function createQuestions(link: Link, timeoutMs: number, why: (otherwise: string) => RingcastError): Questions {
  const open = new Map<Deferred<HubFrame | undefined>, Operation | undefined>();

  const send = (operation: Operation | undefined, { resolve, reject }: Deferred<HubFrame | undefined>): void => {
    if (!link.limits()) return;
    if (!operation) resolve(operation);
    else {
      link.call(operation, (reply, error) => {
        if (!error) resolve(reply);
        // A hub that is going away: the next one is asked.
        else if (error.code !== "shutting_down") reject(error);
      });
    }
  };

  return {
    ask: (operation) => {
      const question = createDeferred<HubFrame | undefined>();
      const timer = link.runtime.setTimer(timeoutMs, () => question.reject(why(`Not answered in ${timeoutMs} ms.`)));
      open.set(question, operation);
      send(operation, question);
      return question.promise.finally(() => {
        timer.cancel();
        open.delete(question);
      });
    },
    resume: () => open.forEach(send),
    end: (error) => {
      for (const { reject } of open.keys()) reject(error);
    },
  };
}
