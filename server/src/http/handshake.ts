/** Decides WebSocket handshakes: Origin and Host, the pace of wrong tokens, then the session's own checks. */
import { RingcastError } from "@ringcast/protocol";
import type { SessionAnswer, SessionFactory } from "../session/index.js";
import { checkOrigin, checkPace } from "./access.js";
import { errorAnswer } from "./answer.js";
import type { AccessOptions, NotReady } from "./port.js";

/** The facts of a handshake. */
export interface HandshakeFacts {
  readonly remoteAddress: string;
  readonly subprotocols: readonly string[];
  header(name: string): string | undefined;
}

export type HandshakeOutcome =
  | Extract<SessionAnswer, { accept: true }>
  | {
      readonly accept: false;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    };

export interface HandshakeOptions {
  readonly access: AccessOptions;
  readonly sessions: SessionFactory;
  /** Undefined: new connections are welcome. */
  closing(): NotReady | undefined;
  /** Told of each refusal, for the metrics. */
  refused(code: string): void;
}

/** Makes the function that answers handshakes. It never throws. */
export function createHandshake(options: HandshakeOptions): (facts: HandshakeFacts) => HandshakeOutcome {
  const { access, sessions } = options;

  function decide(facts: HandshakeFacts): SessionAnswer {
    checkOrigin(access, facts.header("origin"), facts.header("host"));
    const obstacle = options.closing();
    if (obstacle !== undefined) throw new RingcastError(obstacle.code, obstacle.reason);
    checkPace(access.authenticator.retryAfterMs(facts.remoteAddress));
    const { subprotocols, remoteAddress } = facts;
    return sessions.handshake({ subprotocols, remoteAddress, authorization: facts.header("authorization") });
  }

  return (facts) => {
    try {
      const answer = decide(facts);
      return answer.accept ? answer : refusal(answer.error);
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      return refusal(error);
    }
  };

  function refusal(error: RingcastError): HandshakeOutcome {
    options.refused(error.code);
    return refuseHandshake(error);
  }
}

/** The answer to a handshake that fails, with the same body as every other error. */
export function refuseHandshake(error: RingcastError): Extract<HandshakeOutcome, { accept: false }> {
  const { status, headers = {}, body = "" } = errorAnswer(error);
  return { accept: false, status, headers, body: typeof body === "string" ? body : "" };
}
