/**
 * What the threads count, in memory that they share: each writes its own part, all of them and the main thread read
 * everything, and nobody has to be asked.
 * Numbers are doubles at their natural alignment, which the processors that Node runs on store and load in one piece.
 */
import { LATENCY_BUCKETS } from "./latency.js";

/** Places of a thread's counters. */
export const COUNTER = {
  /** Records handed to sockets. */
  published: 0,
  /** Records whose publish was acknowledged. */
  acknowledged: 1,
  /** Records that came to readers. */
  delivered: 2,
  /** The same without readers that are or were stalled: what the publishers' gate `ahead` looks at. */
  paced: 3,
  /** Answers to subscribe and unsubscribe. */
  subscribed: 4,
  /** Connections that are there. */
  connected: 5,
  /** Microseconds that a thread spent waiting for the moment of the next publish without sleeping. */
  waitedUs: 6,
  /** Records of which the server said that they will not come. */
  lost: 7,
} as const;

const COUNTERS = 16;
const COUNTERS_BYTES = COUNTERS * 8;
const HISTOGRAM_BYTES = LATENCY_BUCKETS * 4;
const HISTOGRAMS = 4;
const THREAD_BYTES = COUNTERS_BYTES + HISTOGRAMS * HISTOGRAM_BYTES;

/** One thread's part. */
export interface Tally {
  readonly counters: Float64Array;
  /** From the intended sending to the arrival. */
  readonly delivery: Uint32Array;
  /** From the intended sending to the acknowledgement. */
  readonly acknowledgement: Uint32Array;
  /** From the intended sending to the real one. */
  readonly lateness: Uint32Array;
  /** From the cut of a connection until its subscriptions were in force again. */
  readonly outage: Uint32Array;
}

/** Memory for so many threads. */
export function makeTallies(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(THREAD_BYTES * threads);
}

/** The parts of all threads. */
export function readTallies(memory: SharedArrayBuffer): readonly Tally[] {
  return Array.from({ length: memory.byteLength / THREAD_BYTES }, (_, thread) => {
    const at = thread * THREAD_BYTES;
    const histogram = (index: number) =>
      new Uint32Array(memory, at + COUNTERS_BYTES + index * HISTOGRAM_BYTES, LATENCY_BUCKETS);
    return {
      counters: new Float64Array(memory, at, COUNTERS),
      delivery: histogram(0),
      acknowledgement: histogram(1),
      lateness: histogram(2),
      outage: histogram(3),
    };
  });
}
