import type { BlockCache } from "./block-cache.js";
import type { FileKeeper } from "./file-keeper.js";
import type { LogPlace } from "./log-keeper.js";
import type { LogEvent, ProducerMark } from "./port.js";
import type { Disk, RegionKind } from "./disk/index.js";
import type { Region, RegionMemory } from "./region/index.js";
import type { PartitionLog } from "./ring-log.js";
import type { RunFile } from "./run-file.js";
import type { Runtime } from "../runtime/port.js";

/** What all file logs of a store share. */
export interface FileContext {
  readonly runtime: Runtime;
  readonly disk: Disk;
  readonly blocks: BlockCache;
  /** What file logs live in. */
  readonly regions: RegionKind;
  /** Of all file regions together. */
  readonly memory: RegionMemory;
  /** Directory of the log files. */
  readonly directory: string;
  /** This boot of the machine, 32 hexadecimal digits. */
  readonly bootId: string;
  /** This run of the hub, and which ones before are in doubt. */
  readonly run: RunFile;
  readonly onEvent: (event: LogEvent) => void;
  /** Told before a log's file is used in a way that a death of the process must not hide. Survives `kill -9` on return. */
  readonly markOpen: (log: PartitionLog) => void;
  /** Told when a log has its memory; may let go others. */
  readonly opened: (keeper: FileKeeper) => void;
  /** Lets go some of the logs that are open, where the system gives no more handles or mappings. @returns whether any could go */
  readonly makeRoom: () => boolean;
  /** Told when a log has something that isn't synced. */
  readonly dirtied: (keeper: FileKeeper) => void;
  /** Told when the storage of a log failed; has it healed from time to time. */
  readonly failed: (keeper: FileKeeper) => void;
  /** Told when a log has neither memory nor anything to be synced any more. */
  readonly gone: (keeper: FileKeeper) => void;
  /** Asked before a file takes more storage. @throws RingcastError `unavailable` where the directory has a limit and would pass it */
  readonly checkRoom: (bytes: number) => void;
  /** Told how many bytes more, or less, a log's file takes. */
  readonly grew: (bytes: number) => void;
  /** The same for a log in memory. */
  readonly heapGrew: (bytes: number) => void;
  /** Resolves when what the catalogue was told so far is on the storage device. */
  readonly catalogueSynced: () => Promise<void>;
}

/** What a file log needs of its topic. */
export interface TopicHooks {
  /** The lineage changed in another way than by a clean close: write it down. */
  lineageChanged(): void;
  /** A log without records is about to lose its file: write down where it goes on. */
  emptied(log: PartitionLog): void;
  /** A record with a producer part was appended, or found at opening. */
  marked(log: PartitionLog, mark: ProducerMark, place: LogPlace, count: number): void;
  /** The tail is about to move: save the producers whose records it passes. */
  trimming(log: PartitionLog, tailAddress: number): void;
  /** Addresses begin anew and old records may go: save the producers. */
  moving(): void;
  /** A record with a producer part was found at `place` of the region. */
  found(log: PartitionLog, region: Region, place: number, where: Omit<LogPlace, "timestamp">): void;
}
