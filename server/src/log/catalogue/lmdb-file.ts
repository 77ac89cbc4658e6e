/**
 * The file of lmdb, looked at before lmdb has it: it maps the file without asking how long it is, and a page beyond its end kills the process.
 *
 * A page begins with its number (u64), transaction (u64), two bytes for other kinds of pages, flags (u16), and where its nodes' places end (u16, from the end
 * of this head) and its nodes begin (u16). Then, of each node, its place (u16, likewise). A node: low and high part of a size (u16, u16), flags (u16), length of
 * the key (u16), key, data. In a branch size and flags are the number of a page.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Both meta pages, at the page size that lmdb uses on every system of ours. */
const META_PAGES_BYTES = 8_192;
const MAGIC = 0xbeef_c0de;
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
/** Root pages of the list of free pages, and of the table of tables. */
const ROOTS_AT = [88, 136] as const;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;

const PAGE_HEAD_BYTES = 24;
const PAGE_FLAGS_AT = 18;
const PLACES_END_AT = 20;
const IS_BRANCH = 1;
const IS_LEAF = 2;

const NODE_HEAD_BYTES = 8;
const NODE_FLAGS_AT = 4;
const KEY_LENGTH_AT = 6;
/** The data stands on pages of its own: their first (u64), transaction (u64), count (u64). */
const IS_BIG = 1;
const PAGE_COUNT_AT = 16;
/** The data is a table, with its root page. */
const IS_TABLE = 2;
const TABLE_ROOT_AT = 40;
/** Root of a table without rows. */
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/**
 * Whether every page that lmdb may come to is in its file. A missing file is fine, it is made. Where the file is as long as its newest meta page says, its
 * pages aren't looked at.
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
    const pageCount = Math.floor(fstatSync(fd).size / pageSize);
    if (pages.getBigUint64(newest + LAST_PAGE_AT, true) < pageCount) return true;
    // Pages that were taken and freed again in one transaction are counted, and never written.
    return ROOTS_AT.every((at) => isTreeInFile(fd, pages.getBigUint64(newest + at, true), { pageSize, pageCount }));
  } finally {
    closeSync(fd);
  }
}

function transactionOf(pages: DataView, meta: number): bigint {
  return pages.getBigUint64(meta + TRANSACTION_AT, true);
}

interface Extent {
  readonly pageSize: number;
  /** Of the whole file. */
  readonly pageCount: number;
}

/** Follows a tree, with the tables that it holds, down to its last page. */
function isTreeInFile(fd: number, root: bigint, { pageSize, pageCount }: Extent): boolean {
  const page = new DataView(new ArrayBuffer(pageSize));
  const seen = new Set<bigint>();
  const backlog = [{ first: root, count: 1n, isNode: true }];
  for (let next = backlog.pop(); next !== undefined; next = backlog.pop()) {
    const { first, count, isNode } = next;
    if (first === NO_PAGE) continue;
    if (first + count > pageCount || seen.has(first)) return false;
    seen.add(first);
    if (!isNode) continue;
    readSync(fd, page, 0, pageSize, Number(first) * pageSize);
    const below = pagesBelow(page);
    if (below === undefined) return false;
    backlog.push(...below);
  }
  return true;
}

interface Pages {
  readonly first: bigint;
  readonly count: bigint;
  /** A page of nodes; else of data. */
  readonly isNode: boolean;
}

/** The pages that a page of nodes names; undefined where it can't be one. */
function pagesBelow(page: DataView): Pages[] | undefined {
  const kind = page.getUint16(PAGE_FLAGS_AT, true) & (IS_BRANCH | IS_LEAF);
  if (kind !== IS_BRANCH && kind !== IS_LEAF) return undefined;
  const end = PAGE_HEAD_BYTES + page.getUint16(PLACES_END_AT, true);
  const below: Pages[] = [];
  try {
    for (let at = PAGE_HEAD_BYTES; at < end; at += 2) {
      const node = PAGE_HEAD_BYTES + page.getUint16(at, true);
      const found = kind === IS_BRANCH ? childOf(page, node) : dataOf(page, node);
      if (found !== undefined) below.push(found);
    }
  } catch (error) {
    // A place beyond the page.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return below;
}

function childOf(page: DataView, node: number): Pages {
  const high = BigInt(page.getUint16(node + NODE_FLAGS_AT, true));
  return { first: BigInt(page.getUint32(node, true)) | (high << 32n), count: 1n, isNode: true };
}

function dataOf(page: DataView, node: number): Pages | undefined {
  const flags = page.getUint16(node + NODE_FLAGS_AT, true);
  const data = node + NODE_HEAD_BYTES + page.getUint16(node + KEY_LENGTH_AT, true);
  if ((flags & IS_TABLE) !== 0) {
    return { first: page.getBigUint64(data + TABLE_ROOT_AT, true), count: 1n, isNode: true };
  }
  if ((flags & IS_BIG) === 0) return undefined;
  return {
    first: page.getBigUint64(data, true),
    count: page.getBigUint64(data + PAGE_COUNT_AT, true),
    isNode: false,
  };
}
