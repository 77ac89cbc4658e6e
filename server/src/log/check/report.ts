/** Something that a check of a data directory found. */
export interface CheckProblem {
  /** `damage`: records or what the hub knows of them are lost or wrong. `note`: worth knowing, nothing is lost. */
  readonly severity: "damage" | "note";
  readonly topic?: string;
  readonly partition?: number;
  /** Path of the file that it is about. */
  readonly file?: string;
  /** One sentence. */
  readonly what: string;
  /** The records concerned, where there are any: first and last offset. */
  readonly from?: number;
  readonly to?: number;
  /** What a hub will do about it, or what to do; one sentence. */
  readonly advice: string;
}

/** What a check found in a data directory. */
export interface CheckReport {
  readonly directory: string;
  readonly topics: number;
  /** Log files read. */
  readonly logs: number;
  /** Records whose checks hold. */
  readonly records: number;
  /** Bytes of log files read. */
  readonly bytes: number;
  readonly problems: readonly CheckProblem[];
  readonly tookMs: number;
}

/** How far a check has come. */
export interface CheckProgress {
  readonly topic: string;
  readonly partition: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CheckOptions {
  /** Told before each log, and at the end. */
  readonly onProgress?: (progress: CheckProgress) => void;
  /** Ends the check early: the report tells what was found so far. */
  readonly signal?: AbortSignal | undefined;
}
