/**
 * The few calls of the C library that Node doesn't offer. The library is opened with `null` (the process's own symbols), so that tests
 * can interpose on it. Linux numbers: this region runs nowhere else.
 */
import koffi from "koffi";

const libc = koffi.load(null);

const mmapCall = libc.func(
  "void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset)",
) as unknown as (
  address: bigint | null,
  length: number,
  prot: number,
  flags: number,
  fd: number,
  offset: number,
) => bigint;
const munmapCall = libc.func("int munmap(void *addr, size_t length)") as unknown as (
  address: bigint,
  length: number,
) => number;
const fallocateCall = libc.func("int fallocate(int fd, int mode, long offset, long length)") as unknown as (
  fd: number,
  mode: number,
  offset: number,
  length: number,
) => number;
const madviseCall = libc.func("int madvise(void *addr, size_t length, int advice)") as unknown as (
  address: bigint,
  length: number,
  advice: number,
) => number;
const mincoreCall = libc.func("int mincore(void *addr, size_t length, uint8_t *vec)") as unknown as (
  address: bigint,
  length: number,
  pages: Uint8Array,
) => number;
const flockCall = libc.func("int flock(int fd, int operation)") as unknown as (fd: number, operation: number) => number;

const PROT_NONE = 0;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
/** Linux 4.17; an older kernel takes the address for a wish, and gives another one where it isn't free. */
const MAP_FIXED_NOREPLACE = 0x10_0000;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const MADV_POPULATE_READ = 22;
const EHWPOISON = 133;
const LOCK_EX_NB = 2 | 4;

/** A failed call, with the name of its errno as `code`, like Node's own errors. */
export class LibcError extends Error {
  override readonly name = "LibcError";
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call} failed with ${code}`);
    this.code = code;
  }
}

/** Reserves `length` bytes of address space that hold no memory and may not be touched yet. */
export function reserve(length: number): bigint {
  return checked("mmap", mmapCall(null, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

/** An ArrayBuffer over reserved address space. It can't be detached, so it must outlive every use: make one per reservation, for ever. */
export function viewOf(address: bigint, length: number): ArrayBuffer {
  return koffi.view(address, length);
}

/** Maps the file from its start over a part of a reservation, readable and writable. It may be shorter than `length`; don't touch what lies beyond. */
export function mapFile(address: bigint, length: number, fd: number): void {
  checked("mmap", mmapCall(address, length, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, fd, 0));
}

/**
 * Lets a mapping go and keeps its addresses reserved. A process that has more mappings than it may gets no new one, not even in the place of another: there
 * the old one has to go first.
 *
 * @returns false where somebody else has got the addresses meanwhile: they are lost to us
 */
export function unmapToReservation(address: bigint, length: number): boolean {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  if (!isRefused(mmapCall(address, length, PROT_NONE, flags | MAP_FIXED, -1, 0))) return true;
  if (munmapCall(address, length) !== 0) throw new LibcError("munmap", koffi.errno());
  return mmapCall(address, length, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0) === address;
}

/**
 * Gives a file real blocks up to `length`, so that touching them can't fail later. fallocate(2) itself, not the posix_ function: where the file
 * system can't, that one writes into every block, on the loop, racing with other writers.
 *
 * @throws LibcError `ENOSPC`, `EFBIG`, `EDQUOT`, `EOPNOTSUPP`, …
 */
export function allocate(fd: number, from: number, length: number): void {
  for (;;) {
    if (fallocateCall(fd, 0, from, length) === 0) return;
    const errno = koffi.errno();
    if (errno !== koffi.os.errno["EINTR"]) throw new LibcError("fallocate", errno);
  }
}

/**
 * Asks the kernel to map pages that are read next, many at once (Linux ≥ 5.14).
 *
 * @returns false when touching one of them would have been a SIGBUS: a read error, a damaged memory page, a file that is too short; undefined when the
 *   kernel doesn't say
 */
export function populate(address: bigint, length: number): boolean | undefined {
  for (;;) {
    if (madviseCall(address, length, MADV_POPULATE_READ) === 0) return true;
    const errno = koffi.errno();
    if (errno === koffi.os.errno["EINTR"]) continue;
    return errno === koffi.os.errno["EFAULT"] || errno === EHWPOISON ? false : undefined;
  }
}

/** Of nearly all systems; one with larger pages refuses addresses between them, and so never says that anything is in memory. */
const PAGE_BYTES = 4_096;
const IN_MEMORY = 1;
/** Room for the answers; longer stretches are asked for in pieces. */
const pageAnswers = new Uint8Array(64);

/**
 * Whether all pages of a mapped stretch are in memory, so that touching them waits for no device. 1.2 µs for 64 KiB.
 *
 * @param address of its first byte
 * @returns false also where the kernel doesn't say
 */
export function isInMemory(address: bigint, length: number): boolean {
  const within = Number(address % BigInt(PAGE_BYTES));
  const from = address - BigInt(within);
  const total = within + length;
  const pieceBytes = pageAnswers.length * PAGE_BYTES;
  for (let at = 0; at < total; at += pieceBytes) {
    const bytes = Math.min(pieceBytes, total - at);
    if (mincoreCall(from + BigInt(at), bytes, pageAnswers) !== 0) return false;
    for (let page = 0; page * PAGE_BYTES < bytes; page++) {
      if (((pageAnswers[page] as number) & IN_MEMORY) === 0) return false;
    }
  }
  return true;
}

/** Takes an exclusive lock that dies with the process. @returns false when another process has it */
export function tryLock(fd: number): boolean {
  if (flockCall(fd, LOCK_EX_NB) === 0) return true;
  const errno = koffi.errno();
  if (errno === koffi.os.errno["EAGAIN"]) return false;
  throw new LibcError("flock", errno);
}

function checked(call: string, address: bigint): bigint {
  if (isRefused(address)) throw new LibcError(call, koffi.errno());
  return address;
}

function isRefused(address: bigint): boolean {
  return BigInt.asUintN(64, address) === MAP_FAILED;
}

function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(koffi.os.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}
