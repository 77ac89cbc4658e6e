import type { FileContext, TopicHooks } from "./file-context.js";
import type { FileHead } from "./file-head.js";
import { EPOCH_LENGTH, Lineage, withEpoch } from "./lineage.js";
import type { FoundHead } from "./log-files.js";
import { recover, type Recovery } from "./recovery.js";
import { believedLength, lapOf, WIPED_BYTES, wipe } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";
import { trimTo } from "./tail.js";

/** What recovering a log takes. */
export interface LogRecovery {
  readonly log: PartitionLog;
  readonly file: FileHead;
  /** What the file said before it was mapped. */
  readonly found: FoundHead;
  readonly context: FileContext;
  readonly hooks: TopicHooks;
  readonly startedMs: number;
}

/** Brings a log to what its file holds, begins an epoch where records may be gone, and tells what was found. */
export function recoverLog(options: LogRecovery): void {
  const { log, file, found, hooks, context } = options;
  const { header, words, slot } = found;
  const lineage = new Lineage(header.lineage, log.partition);
  const isClosed = header.state === "closed";
  // A log that was closed in a run in doubt may have been appended to since, without a trace on the device.
  const isAsClosed = isClosed && context.run.isTrusted(header.run);
  const isBinding = isAsClosed || header.bootId === context.bootId;
  const known = { head: log.head, epoch: log.epoch };
  const nothing = { head: 0, tail: 0, headAddress: 0, tailAddress: 0, lastTimestamp: 0 };
  log.restore({ lineage: header.lineage, ...nothing }, lineage);
  const recovery = recover({
    region: file.region,
    lineage,
    header,
    words,
    slot,
    isBinding,
    index: log.index,
    // After a clean close all producers are in the catalogue.
    onMarked: (place, address, offset) => {
      if (!isClosed || !isBinding) hooks.found(log, file.region, place, { address, offset });
    },
  });
  log.take(recovery.words);
  if (!recovery.needsEpoch) wipeUnpublished(log, file);
  // An older state of the file was put back: what came later was acknowledged, and its offsets must not be given again.
  const isOutdated = log.head < known.head || !header.lineage.some(({ epoch }) => epoch === known.epoch);
  const newEpoch = recovery.needsEpoch || isOutdated ? beginEpoch(options) : undefined;
  const cutRecords = Math.max(recovery.cutRecords, known.head - log.head);
  tell(options, { ...recovery, cutRecords }, newEpoch);
}

/**
 * What was being appended when the process died is there for nobody, but its bytes may be on the device. The next batch takes its place; a power cut before that is synced
 * would bring the dead one to light, under the same offsets and in the same epoch.
 */
function wipeUnpublished(log: PartitionLog, file: FileHead): void {
  const { region } = file;
  const { head, headAddress, capacityBytes } = log;
  const allocatedEnd = lapOf(headAddress, capacityBytes) + region.allocatedBytes - (region.allocatedBytes % 8);
  if (headAddress + WIPED_BYTES > allocatedEnd) return;
  if (believedLength(region, log.history, headAddress, head, allocatedEnd) === 0) return;
  wipe(region, headAddress);
  bringToDevice(file);
}

function beginEpoch({ log, file, found, hooks, context }: LogRecovery): string {
  const epoch = context.runtime.randomId(EPOCH_LENGTH);
  const entries = withEpoch(found.header.lineage, epoch, log.head);
  // Records of an epoch that is forgotten can't be verified any more.
  trimTo(log, entries[0]?.first ?? 0);
  log.history = new Lineage(entries, log.partition);
  file.noteSynced(Math.min(file.syncedAddress, log.headAddress), Math.min(file.syncedOffset, log.head));
  // The head before the header, which says that it is of this boot and so binding: a process that dies in between leaves a log to be verified again.
  file.publish(log);
  file.writeHeader(log, "open");
  bringToDevice(file);
  // The other copy knows nothing of the epoch: where this one is damaged, its records would be gaps. Behind the sync, so that no power cut tears both.
  file.writeHeader(log, "open");
  hooks.lineageChanged();
  return epoch;
}

/**
 * Nobody gets a position in an epoch that the next power cut could take back: a reader that stands in one that is unknown afterwards is sent to the
 * tail, and reads again what it had.
 */
function bringToDevice(file: FileHead): void {
  try {
    file.syncNow();
  } catch {
    // The sync in the background meets the same failure, and the log is latched by it.
  }
}

function tell({ log, found, context, startedMs }: LogRecovery, recovery: Recovery, newEpoch: string | undefined): void {
  const { topic, partition } = log;
  const { records, cutRecords, damages } = recovery;
  for (const damage of damages) context.onEvent({ type: "corrupt", topic, partition, ...damage });
  if (found.header.state === "closed" && damages.length === 0 && newEpoch === undefined) return;
  const tookMs = context.runtime.monotonicMs() - startedMs;
  context.onEvent({ type: "recovered", topic, partition, records, tookMs, cutRecords, newEpoch });
}
