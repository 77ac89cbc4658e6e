import type { LineageEntry } from "../port.js";
import type { CataloguedPartition, CataloguedTopic } from "./changes.js";

/** Whether a row can be that of a topic: lmdb has no checks over what it keeps. */
export function isPlausibleTopic(row: unknown): row is CataloguedTopic {
  const { config, partitions } = (row ?? {}) as Partial<CataloguedTopic>;
  if (typeof config !== "object" || !Array.isArray(partitions)) return false;
  return partitions.length > 0 && partitions.length === config.partitions && partitions.every(isPlausiblePartition);
}

function isPlausiblePartition(partition: unknown): boolean {
  const { lineage, head = -1, tail = -1 } = (partition ?? {}) as Partial<CataloguedPartition>;
  const hasBounds = Number.isSafeInteger(head) && Number.isSafeInteger(tail) && tail >= 0 && tail <= head;
  return hasBounds && Array.isArray(lineage) && lineage.length > 0 && lineage.every(isPlausibleEpoch);
}

function isPlausibleEpoch(entry: unknown): boolean {
  const { epoch, first } = (entry ?? {}) as Partial<LineageEntry>;
  return typeof epoch === "string" && epoch.length > 0 && Number.isSafeInteger(first);
}
