/**
 * How topics stand right before a power cut, seen from inside of the hub. Records that expire shortly before one may have been seen by nobody: whether they expired
 * or were lost can't be told from outside.
 */
import { RingcastError } from "@ringcast/protocol";
import { boundsOf, type Recorder } from "../fault/workload/recorder.js";
import { TOPICS } from "./faults.js";
import type { World } from "./world/world.js";

/** Nothing where no hub listens, or there is no such topic. */
export function takeLastLook({ machine: { hub } }: World, recorder: Recorder): void {
  if (hub === undefined) return;
  for (const topic of TOPICS) {
    const partitions = standingOf(() => hub.hub.describe(topic).partitions);
    if (partitions === undefined) continue;
    const call = recorder.nextCall();
    recorder.tell({ type: "look", call, topic });
    recorder.tell({ type: "looked", call, partitions: boundsOf(Object.fromEntries(partitions.entries())) });
  }
}

function standingOf<Standing>(ask: () => Standing): Standing | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof RingcastError) return undefined;
    throw error;
  }
}
