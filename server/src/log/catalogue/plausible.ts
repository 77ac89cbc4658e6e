import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { LineageEntry } from "../port.js";
import type { CataloguedPartition, CataloguedTopic } from "./changes.js";

/** Both meta pages of lmdb, at the page size it uses on every system of ours. */
const META_PAGES_BYTES = 8_192;
const MAGIC = 0xbeef_c0de;
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;

/**
 * Whether an lmdb file is as long as its newest meta page says. lmdb itself doesn't look: it maps the file, and a page beyond its end kills the
 * process. A missing file is fine, it is made.
 */
export function isPlausibleLmdb(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return true;
    throw error;
  }
  try {
    const pages = new DataView(new ArrayBuffer(META_PAGES_BYTES));
    if (readSync(fd, pages, 0, META_PAGES_BYTES, 0) < META_PAGES_BYTES) return false;
    const pageSize = pages.getUint32(PAGE_SIZE_AT, true);
    if (pageSize * 2 !== META_PAGES_BYTES) return pages.getUint32(MAGIC_AT, true) === MAGIC;
    const metas = [0, pageSize].filter((at) => pages.getUint32(at + MAGIC_AT, true) === MAGIC);
    const newest = metas.sort((a, b) => Number(transactionOf(pages, b) - transactionOf(pages, a)))[0];
    if (newest === undefined) return false;
    const lastPage = Number(pages.getBigUint64(newest + LAST_PAGE_AT, true));
    return fstatSync(fd).size >= (lastPage + 1) * pageSize;
  } finally {
    closeSync(fd);
  }
}

function transactionOf(pages: DataView, meta: number): bigint {
  return pages.getBigUint64(meta + TRANSACTION_AT, true);
}

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
