/**
 * What is asked of the load generator, and what it found: all of it is JSON, since it goes to other threads and into
 * files.
 */

/** Where connections go to, and in which protocol. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean;
  /** False: any certificate will do. */
  readonly verify?: boolean;
  /** URL of a module that exports {@link import("./wire.js").CreateWire} as `createWire`, and what it is given. */
  readonly wire: string;
  readonly wireOptions?: unknown;
}

export interface ReadersPlan {
  readonly target: Target;
  readonly connections: number;
  /** Connection `i` subscribes to `perConnection` of these, beginning at `i * perConnection`, round and round. */
  readonly topics: readonly string[];
  readonly perConnection?: number;
  readonly from?: "latest" | "earliest";
}

export interface WritersPlan {
  readonly target: Target;
  readonly connections: number;
  /** Published to in turn. */
  readonly topics: readonly string[];
  /** Bytes of a payload, at least {@link import("./wire.js").PAYLOAD_TIME_BYTES}. */
  readonly bytes: number;
  /** Records in one publish. */
  readonly batch?: number;
  /**
   * Records a second of all writers together, on a schedule that doesn't wait for answers. Left out: as many as the
   * gates let through.
   */
  readonly rate?: number;
  /** Gate: publishes of one connection that are not acknowledged; needs a wire that acknowledges. */
  readonly inflight?: number;
  /**
   * Gate: records that the average reader has not got yet, the same for every server, so that none is fed faster than
   * it delivers.
   */
  readonly ahead?: number;
}

/** Connections that subscribe and unsubscribe all the time. */
export interface ChurnPlan {
  readonly target: Target;
  readonly connections: number;
  /** Subscribed to in turn. */
  readonly topics: readonly string[];
  /** Subscriptions of one connection that are being begun or ended at the same time; 1 when left out. */
  readonly inflight?: number;
}

/** What the generator itself had to do meanwhile. */
export interface GeneratorUse {
  /** Of all its threads, waiting without sleep included. */
  readonly generatorCpuSeconds: number;
  /** How much of the time its busiest thread had work, 0 to 1: near 1 it may be what limits. */
  readonly generatorBusy: number;
}

/** Connections that have come. */
export interface Joined extends GeneratorUse {
  readonly connections: number;
  /** From the first dial until the last one's subscriptions were in force. */
  readonly seconds: number;
}

/** How a cut of all readers went. */
export interface CutResult extends Joined {
  /** Of each connection, from the cut until its subscriptions were in force again. */
  readonly outage: Latencies;
}

/** Microseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What one window of time was like. */
export interface Measured extends GeneratorUse {
  readonly seconds: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** Records of which the server said that they will not come. */
  readonly lost: number;
  /** Answers to subscribe and unsubscribe. */
  readonly subscribed: number;
  /** From the intended sending to the arrival at a reader. */
  readonly delivery: Latencies | undefined;
  /** From the intended sending to the acknowledgement. */
  readonly acknowledgement: Latencies | undefined;
  /**
   * From the intended sending to the real one: what of the others is the generator's own, or the backpressure of the
   * server. Only with a rate.
   */
  readonly lateness: Latencies | undefined;
  /** Of the processes that were asked about. */
  readonly server: ProcessUse | undefined;
}

/** What processes used in a window of time. */
export interface ProcessUse {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  /** Private memory that no file backs, at its end. */
  readonly rssAnonBytes: number;
}
