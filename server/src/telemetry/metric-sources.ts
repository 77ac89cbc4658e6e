/** What the metrics are read from. The rooms count for themselves, so that counting costs an addition and telemetry knows nobody. */

/** Where the numbers come from. Totals since the start, except where it says gauge. */
export interface MetricSources {
  readonly build: { readonly version: string; readonly node: string; readonly transport: string };
  readonly hub: {
    readonly subscriptions: number;
    readonly cursors: number;
    readonly topics: number;
    readonly inflightPublishes: number;
    readonly publishes: number;
    readonly duplicates: number;
    readonly appendedRecords: number;
    readonly appendedBytes: number;
    readonly deliveredRecords: number;
    readonly deliveredBytes: number;
    readonly builtFrames: number;
    readonly deliveredFrames: number;
    readonly flushes: number;
    readonly flushMs: number;
    readonly gaps: Readonly<Record<string, number>>;
    /** Gauge: cursors by what holds them. */
    readonly cursorStates: Readonly<Record<string, number>>;
    /** Gauges over all cursors. */
    readonly lagSum: LagNumbers;
    readonly lagMax: LagNumbers;
    /** Seconds. */
    readonly publishToSend: BucketCounts;
    /** Bytes. */
    readonly flushBytes: BucketCounts;
  };
  readonly sessions: {
    /** Gauge. */
    readonly connections: number;
    /** Gauge: the same by dialect. */
    readonly dialects: Readonly<Record<string, number>>;
    readonly opened: number;
    readonly receivedFrames: number;
    readonly receivedBytes: number;
    readonly errors: ReadonlyMap<string, number>;
    readonly closes: ReadonlyMap<number, number>;
  };
  readonly http: {
    /** Gauge. */
    readonly streams: number;
    readonly responses: ReadonlyMap<number, number>;
    readonly errors: ReadonlyMap<string, number>;
  };
  readonly transport: {
    /** Requests that the transport refused by itself, by protocol error code. */
    readonly refused: ReadonlyMap<string, number>;
  };
  readonly log: {
    /** Gauge. */
    readonly totalBytes: number;
    /** Gauge. */
    readonly mappedBytes: number;
    /** Of the whole process. */
    readonly minorPageFaults: number;
    readonly majorPageFaults: number;
    /** Blocks of readers far behind, read off the loop. */
    readonly blockReads: number;
    readonly blockReadBytes: number;
    readonly expiredRecords: number;
    readonly unmappedLogs: number;
    /** Gauge: partitions that take nothing because their storage failed. */
    readonly failedPartitions: number;
  };
  /** What the settings allow; 0: no limit. */
  readonly limits: {
    readonly topics: number;
    readonly dataBytes: number;
    readonly connections: number;
    readonly eventStreams: number;
  };
  /** When the hub's certificate ends, milliseconds since 1970; undefined without TLS. */
  readonly certificateExpiresMs: number | undefined;
}

/** How far readers are behind. */
export interface LagNumbers {
  readonly records: number;
  readonly bytes: number;
  readonly ms: number;
}

/** A histogram that somebody else counts: `counts[i]` values were at most `bounds[i]`, the last entry is for all above. Not cumulative. */
export interface BucketCounts {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}
