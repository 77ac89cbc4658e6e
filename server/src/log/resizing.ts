import type { FileContext } from "./file-context.js";
import type { FileHead } from "./file-head.js";
import { LogCopy } from "./log-copy.js";
import { createFile } from "./open-file.js";
import type { PartitionLog } from "./ring-log.js";
import { nextTurn } from "./next-turn.js";

/** Bytes copied in one turn when a log gets another capacity: some two milliseconds. */
const SLICE_BYTES = 2 ** 20;
/** Syncs of a copy during which the log went on; the next one is waited for on the loop, so that the copy comes to an end. */
const MOST_SYNCS = 5;

/** What copying a log to another capacity takes. */
export interface CopyOptions {
  readonly context: FileContext;
  readonly log: PartitionLog;
  /** Where the copy is made. */
  readonly path: string;
  readonly capacityBytes: number;
  /** Whether the copy isn't wanted any more; asked after each wait. */
  readonly isEnding: () => boolean;
  /** Called when the copy has everything and is on the storage device, in the same turn: puts it in the log's place. */
  readonly takeOver: (file: FileHead, copy: LogCopy) => void;
}

/**
 * Copies a log into a new file while it goes on. Nothing of the copy is left behind when it isn't wanted any more, nor after an error.
 * @throws RingcastError `unavailable` when there is no room; what the system says when a sync fails
 */
export async function copyToCapacity(options: CopyOptions): Promise<void> {
  const { context, log, path, capacityBytes, isEnding } = options;
  await nextTurn(context.runtime);
  if (isEnding()) return;
  const file = createFile(context, path, capacityBytes);
  let isTaken = false;
  try {
    const copy = new LogCopy(log, file.region);
    if (!(await fill(options, file, copy))) return;
    isTaken = true;
  } finally {
    if (!isTaken) {
      file.region.close();
      context.disk.remove(path);
    }
  }
}

async function fill(options: CopyOptions, file: FileHead, copy: LogCopy): Promise<boolean> {
  const { context, log, isEnding, takeOver } = options;
  for (let syncs = 0; ; syncs++) {
    while (!copy.step(SLICE_BYTES)) {
      await nextTurn(context.runtime);
      if (isEnding()) return false;
    }
    // The header goes with what it covers: at the moment of the renaming everything in the copy is on the device.
    file.noteSynced(copy.headAddress, copy.head);
    file.writeAll(log, "open", copy);
    if (syncs < MOST_SYNCS) await file.sync();
    else file.syncNow();
    if (isEnding()) return false;
    if (copy.head !== log.head) continue;
    takeOver(file, copy);
    return true;
  }
}
