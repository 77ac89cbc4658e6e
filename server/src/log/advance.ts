/** A batch written behind the head becomes visible, or is taken back. */
import { RingcastError } from "@ringcast/protocol";
import { perhapsStored, type Region } from "./region/index.js";
import { saveRange, wipe } from "./ring.js";
import type { PartitionLog } from "./ring-log.js";

/**
 * Has the batch behind the head survive the process, and makes it visible; nothing of it is, here or in the file, when that fails.
 *
 * @param headAddress address behind the batch
 * @param head        offset behind the batch
 * @throws RingcastError `unavailable`; the keeper was told then
 */
export function advance(log: PartitionLog, headAddress: number, head: number, timestamp: number): void {
  const before = { head: log.head, headAddress: log.headAddress, lastTimestamp: log.lastTimestamp };
  let isSaved = false;
  try {
    saveRange(log.region as Region, before.headAddress, headAddress);
    isSaved = true;
    log.head = head;
    log.headAddress = headAddress;
    log.lastTimestamp = timestamp;
    log.publish?.(log);
  } catch (error) {
    Object.assign(log, before);
    log.index.dropFrom(before.headAddress);
    log.refusedEnd = headAddress;
    log.keeper.health(log, error as Error);
    throw withdrawn(log, isSaved ? perhapsStored(error) : error);
  }
  if (log.failure !== undefined) log.keeper.health(log, undefined);
}

/** Takes a refused batch out of the memory, and out of the file if it got there. @returns what to tell of it */
function withdrawn(log: PartitionLog, refusal: unknown): unknown {
  try {
    wipe(log.region as Region, log.headAddress);
    return refusal instanceof RingcastError ? certainlyNotStored(refusal) : refusal;
  } catch {
    return refusal;
  }
}

function certainlyNotStored({ code, message, details, cause }: RingcastError): RingcastError {
  return new RingcastError(code, message, { ...details, stored: "no" }, { cause });
}
