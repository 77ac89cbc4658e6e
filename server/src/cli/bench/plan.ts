/** What is asked of the load generator, and what it found: all of it is JSON, since it goes to other threads and into files. */

/** Where connections go to, and in which protocol. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean;
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
  /** Records a second of all writers together, on a schedule that doesn't wait for answers. Left out: as many as the gates let through. */
  readonly rate?: number;
  /** Gate: publishes of one connection that are not acknowledged; needs a wire that acknowledges. */
  readonly inflight?: number;
  /** Gate: records that the average reader has not got yet, the same for every server, so that none is fed faster than it delivers. */
  readonly ahead?: number;
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
export interface Measured {
  readonly seconds: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** From the intended sending to the arrival at a reader. */
  readonly delivery: Latencies | undefined;
  /** From the intended sending to the acknowledgement. */
  readonly acknowledgement: Latencies | undefined;
  /** Of the generator itself: a run in which it was the bottleneck says so. */
  readonly generatorCpuSeconds: number;
}
