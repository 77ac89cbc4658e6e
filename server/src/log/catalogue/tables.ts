/** The rows of the catalogue: what lmdb does for it, so that a model can stand in its place. */
import { RingcastError } from "@ringcast/protocol";
import type { TopicRow } from "../port.js";
import type { CataloguedTopic, Change, Deletion } from "./changes.js";

/** Topic and partition of a log that isn't closed cleanly. */
export type OpenKey = [topic: string, partition: number];

/** A topic whose oldest record expires. */
export interface Expiry {
  readonly expiresMs: number;
  readonly name: string;
}

/** The rows of one catalogue. What is asked for is as of the last {@link apply}. */
export interface Tables {
  readonly topicCount: number;
  /** The journal's sequence up to which all changes are here; -1: none of it. */
  readonly settled: number;
  /** Bytes of all files, as of their topics' rows. */
  readonly bytes: number;
  topic(name: string): CataloguedTopic | undefined;
  /** Names in the order of their bytes, behind `after`. */
  topicNames(after: string | undefined): Iterable<string>;
  /** Like {@link topicNames}, with the number of partitions of each. */
  topicRows(after: string | undefined): Iterable<TopicRow>;
  openLogs(): OpenKey[];
  deletion(name: string): Deletion | undefined;
  /** Topics whose files are still to be removed. */
  doomed(): { name: string; partitions: number }[];
  /** The topics whose oldest records expire first, at most `limit`. */
  expiries(limit: number): Expiry[];
  /** Saved states of a topic's producers. */
  producers(topic: string): Iterable<{ id: string; state: Uint8Array }>;
  /**
   * Brings changes into the rows, all of them or none, and notes up to where the journal is settled by them. They survive the process on return.
   * @throws RingcastError `unavailable`
   */
  apply(changes: readonly Change[], settled: number): void;
  /** Forgets deletions before an instant. @throws RingcastError `unavailable` */
  forgetDeletions(beforeMs: number): void;
  /** Resolves when everything written so far is on the device. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** What whoever wanted to change the catalogue is told. */
export function unwritable(cause: unknown): RingcastError {
  const message = "The catalogue of the data directory can't be written: look for a full disk.";
  return new RingcastError("unavailable", message, { stored: "no" }, { cause });
}
