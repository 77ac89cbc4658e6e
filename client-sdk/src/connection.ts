/**
 * One connection that comes back by itself: dials, notices silence, waits with jitter, obeys `draining`, rotates over
 * the addresses. Knows frames only as far as it needs them for that.
 */
import { RingcastError, type ErrorFrame, type HubFrame, type Limits } from "@ringcast/protocol";
import type { Codec, Operation } from "./codec.js";
import { toRingcastError, unavailable } from "./errors.js";
import type { ConnectionState, ConnectOptions } from "./options.js";
import type { Runtime, Timer } from "./runtime/port.js";
import type { FrameData, Transport, TransportSocket } from "./transport/port.js";

export interface ConnectionSettings {
  readonly urls: readonly string[];
  readonly token: ConnectOptions["token"];
  readonly codec: Codec;
  readonly transport: Transport;
  readonly runtime: Runtime;
  readonly maxRetryMs: number;
}

export interface ConnectionHandler {
  /** @param error what an `error` frame tells of; a code that only a newer hub knows is handed on as it is */
  received(frame: HubFrame, error: RingcastError | undefined): void;
  /** A frame came that can't be understood; the connection is made anew. */
  failed(error: RingcastError): void;
  /**
   * Where it is `connected`, everything that waits has to go over this new connection now: what was sent and not
   * answered before has an unknown outcome. May be called with the other states again: another attempt failed.
   */
  changed(state: ConnectionState, reason?: RingcastError): void;
}

export interface Connection {
  readonly state: () => ConnectionState;
  /**
   * Those of the hub; undefined while there is no connection, or the hub is about to go away: what is sent then has no
   * chance.
   */
  readonly limits: () => Limits | undefined;
  /** The hub's clock, milliseconds since 1970; rather behind it than ahead. Meaningful while connected. */
  readonly hubTimeMs: () => number;
  /** Sends a request; without a connection it is dropped. */
  readonly send: (operation: Operation, body?: FrameData) => void;
  /** Ends for good. */
  readonly close: (reason?: RingcastError) => void;
}

/** Makes the connection and begins to dial. */
export function createConnection(settings: ConnectionSettings, handler: ConnectionHandler): Connection {
  // In here rather than above, as in the producer: so bundlers write the numbers where they are used, and pages pay no
  // names for them.
  /** Request id of our own pings and tokens, whose replies interest nobody: users' requests count from 1. */
  const OWN_ID = 0;
  /** From dialling to `welcome`. */
  const HANDSHAKE_MS = 10_000;
  /** Silence after which we ask whether anybody is there; a browser doesn't see the hub's pings. */
  const SILENCE_MS = 15_000;
  /** How long the answer to that may take. */
  const PONG_MS = 10_000;
  /** The first retry comes within this time; the bound doubles from then on. */
  const FIRST_RETRY_MS = 250;
  /** A hub that said it was going away is expected back for so long. */
  const EXPECTED_MS = 30_000;
  /** A connection that lived so long was a good one: the next retry is a first one again. */
  const STABLE_MS = 5_000;
  /** Close code where there was none. */
  const NO_CLOSE_CODE = 1006;
  /** Close code of a wrong token. */
  const UNAUTHORIZED = 4401;

  const { urls, token, codec, transport, runtime, maxRetryMs } = settings;
  let state: ConnectionState = "connecting";
  let socket: TransportSocket | undefined;
  /** Undefined while what is sent has no chance. */
  let limits: Limits | undefined;
  /** Counts the dials: events of an older one are ignored. */
  let current = 0;
  /** Counts the losses: the next address each time. */
  let rotation = 0;
  let attempts = 0;
  let refusals = 0;
  /** The one timer: the end of the handshake, of silence, or of the wait before the next dial. */
  let timer: Timer | undefined;
  let isProbing = false;
  let heardMs = 0;
  let welcomedMs = 0;
  /** What our clock lacks to the hub's. */
  let clockMs = 0;
  /** When a draining hub wants us back. */
  let returnMs: number | undefined;
  /** Until then the bound of retries is this, and doesn't grow: a restart may take longer than it was announced for. */
  let expectedUntilMs = 0;
  let soonMs = 0;
  /** Why the hub is about to end the connection. */
  let announced: RingcastError | undefined;

  const arm = (delayMs: number, callback: () => unknown): void => {
    timer?.cancel();
    timer = runtime.setTimer(delayMs, callback);
  };

  const send = (operation: Operation, body?: FrameData): void => socket?.send(codec.encode(operation, body));

  const drop = (): void => {
    current++;
    timer?.cancel();
    socket?.close();
    socket = limits = announced = undefined;
    isProbing = false;
  };

  const close = (reason?: RingcastError): void => {
    if (state === "closed") return;
    drop();
    stopWaking();
    state = "closed";
    handler.changed(state, reason);
  };

  const dial = async (): Promise<void> => {
    const mine = ++current;
    const closed = (code: number, reason: string): void => {
      if (mine === current) lose(code, reason);
    };
    returnMs = undefined;
    arm(HANDSHAKE_MS, () => lose(NO_CLOSE_CODE, "no welcome"));
    try {
      const secret = await (typeof token === "function" ? token() : token);
      if (mine !== current) return;
      const received = (data: FrameData): void => {
        if (mine === current) receive(data, secret);
      };
      socket = transport(address(), codec.subprotocol, { received, closed });
    } catch (error) {
      // Also where the browser doesn't let a page connect there at all (ws: from an https: page).
      closed(NO_CLOSE_CODE, String(error));
    }
  };

  const receive = (data: FrameData, secret: string | undefined): void => {
    let frame: HubFrame | undefined;
    heardMs = runtime.monotonicMs();
    isProbing = false;
    try {
      frame = codec.decode(data);
    } catch (error) {
      handler.failed(toRingcastError(error, "bad_frame"));
      lose(1007, String(error));
      return;
    }
    // An operation of a later version.
    if (!frame) return;
    if (frame.op === "welcome") {
      welcomedMs = heardMs;
      clockMs = frame.time - heardMs;
      watch();
      // Not as a subprotocol: that may not hold every character. Nothing waits for the reply.
      if (secret !== undefined) send({ op: "auth", id: OWN_ID, token: secret });
      limits = frame.limits;
      handler.changed((state = "connected"));
    } else if (frame.op === "draining") {
      returnMs = heardMs + frame.reconnectAfterMs;
      expectedUntilMs = returnMs + EXPECTED_MS;
      // The hub spreads its clients: longer where they are many.
      soonMs = Math.max(2 * FIRST_RETRY_MS, frame.reconnectAfterMs);
      limits = undefined;
    }
    // Refused with the whole connection: what will be asked again with a fresh token has not failed.
    else if (announced?.code !== "unauthorized") {
      const error = frame.op === "error" ? new RingcastError(frame.code, frame.message, frame.details) : undefined;
      if (error && !(frame as ErrorFrame).id) announced = error;
      handler.received(frame, error);
    }
  };

  /** Asks a silent hub for a sign, and gives it up when none comes. */
  const watch = (): void => {
    const silentMs = runtime.monotonicMs() - heardMs;
    if (isProbing) lose(NO_CLOSE_CODE, "silence");
    else if (silentMs >= SILENCE_MS) probe();
    else arm(SILENCE_MS - silentMs, watch);
  };

  const probe = (): void => {
    isProbing = true;
    send({ op: "ping", id: OWN_ID });
    arm(PONG_MS, watch);
  };

  const lose = (code: number, why: string): void => {
    const reason = announced ?? unavailable(`No connection to ${address()}: ${why} (${code}). Is the hub running?`);
    drop();
    rotation++;
    if (state === "connected") {
      if (runtime.monotonicMs() - welcomedMs > STABLE_MS) attempts = refusals = 0;
      state = "reconnecting";
    }
    // A fresh token that is refused too is not for this hub.
    if (code === UNAUTHORIZED && (typeof token !== "function" || refusals++ > 0)) close(reason);
    else {
      arm(
        returnMs === undefined
          ? runtime.random() *
              Math.min(maxRetryMs, runtime.monotonicMs() < expectedUntilMs ? soonMs : FIRST_RETRY_MS * 2 ** attempts++)
          : returnMs - runtime.monotonicMs(),
        dial,
      );
      handler.changed(state, reason);
    }
  };

  // Never undefined: `connect` sees to it that there is an address.
  const address = (): string => urls[rotation % urls.length] as string;

  const stopWaking = runtime.onWake(() => {
    if (state === "connected") probe();
    else if (returnMs === undefined) {
      // Also an attempt under way: its packets may have been lost while there was no network.
      attempts = 0;
      drop();
      void dial();
    }
  });

  void dial();
  return {
    state: () => state,
    limits: () => limits,
    hubTimeMs: () => Math.floor(clockMs + runtime.monotonicMs()),
    send,
    close,
  };
}
