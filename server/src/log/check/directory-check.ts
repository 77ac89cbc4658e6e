/**
 * Checking a data directory that no hub has: everything is read, nothing is changed.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { crc32 } from "node:zlib";
import { RingcastError, setNativeCrc32, shown } from "@ringcast/protocol";
import { createNodeRuntime } from "../../runtime/index.js";
import { Catalogue, unreadable } from "../catalogue/catalogue.js";
import type { JournalFlaw } from "../catalogue/journal.js";
import { fileNameOf } from "../file-name.js";
import { newPathOf, resizePathOf } from "../log-files.js";
import { NodeDisk } from "../disk/index.js";
import { checkLog, type ExpectedLog } from "./log-check.js";
import type { CheckOptions, CheckProblem, CheckReport } from "./report.js";

/**
 * Verifies a data directory: the catalogue, the header of every log's file, both checks of every record, offsets and epochs, and files that belong to nobody. Takes
 * the directory's lock meanwhile, and as much memory as the largest log.
 *
 * @throws RingcastError with `details.field` "data": it is no data directory, a hub has it, or its catalogue can't be read
 */
export async function checkDirectory(directory: string, options: CheckOptions = {}): Promise<CheckReport> {
  if (!existsSync(join(directory, "catalogue"))) {
    const message = `${shown(directory)} is no data directory: it has no catalogue.`;
    throw new RingcastError("unavailable", message, { field: "data" });
  }
  setNativeCrc32(crc32);
  const lock = new NodeDisk().lock(directory);
  try {
    return await checkLocked(directory, options);
  } finally {
    lock.release();
  }
}

async function checkLocked(directory: string, { onProgress, signal }: CheckOptions): Promise<CheckReport> {
  const runtime = createNodeRuntime();
  const startedMs = runtime.monotonicMs();
  const { topics, logs, names, flaws } = await readCatalogue(directory);
  const sizes = await Promise.all(logs.map(({ file }) => sizeOf(file)));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  const problems: CheckProblem[] = [...flaws];
  let read = 0;
  let records = 0;
  let bytes = 0;
  let doneBytes = 0;
  for (const [i, log] of logs.entries()) {
    onProgress?.({ topic: log.topic, partition: log.partition, doneBytes, totalBytes });
    // Lets whoever shows the progress, or ends the check, have a turn.
    await new Promise<void>((resolve) => runtime.endOfTurn(resolve));
    if (signal?.aborted === true) break;
    const checked = checkLog(log);
    problems.push(...checked.problems);
    if (checked.bytes > 0) read++;
    records += checked.records;
    bytes += checked.bytes;
    doneBytes += sizes[i] ?? 0;
    if (i === logs.length - 1) onProgress?.({ topic: log.topic, partition: log.partition, doneBytes, totalBytes });
  }
  problems.push(...strangers(join(directory, "logs"), names));
  return { directory, topics, logs: read, records, bytes, problems, tookMs: runtime.monotonicMs() - startedMs };
}

interface Contents {
  readonly topics: number;
  readonly logs: readonly ExpectedLog[];
  readonly flaws: readonly CheckProblem[];
  /** Files that belong to a log, or are about to be removed with their topic. */
  readonly names: { readonly known: ReadonlySet<string>; readonly doomed: ReadonlySet<string> };
}

/** Reads a copy of the catalogue: opening it carries out what its journal holds, and brings an older format to the present one. */
async function readCatalogue(directory: string): Promise<Contents> {
  const copy = mkdtempSync(join(tmpdir(), "ringcast-check-"));
  try {
    cpSync(join(directory, "catalogue"), copy, { recursive: true });
    const catalogue = new Catalogue(new NodeDisk(), copy);
    try {
      const flaws = catalogue.flaws.map((flaw) => flawProblem(join(directory, "catalogue", basename(flaw.file)), flaw));
      return { ...contentsOf(catalogue, join(directory, "logs")), flaws };
    } finally {
      await catalogue.close();
    }
  } catch (error) {
    // What names the copy would be of no use to anybody.
    if (error instanceof RingcastError && !error.message.includes(copy)) throw error;
    throw unreadable(join(directory, "catalogue"), error);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function flawProblem(file: string, { at, isDamage }: JournalFlaw): CheckProblem {
  if (!isDamage) {
    const what = `The change at byte ${at} is not whole: it was being written when the hub died, or it is damaged.`;
    return { severity: "note", file, what, advice: "the hub goes on without it" };
  }
  const advice = "the hub goes on without them; compare topics and their configuration with what they should be";
  return { severity: "damage", file, what: `Changes of the catalogue from byte ${at} on are damaged.`, advice };
}

function contentsOf(catalogue: Catalogue, directory: string): Omit<Contents, "flaws"> {
  const open = new Set(catalogue.openLogs().map(([topic, partition]) => fileNameOf(topic, partition)));
  const logs: ExpectedLog[] = [];
  const known = new Set<string>();
  for (const topic of catalogue.topicNames()) {
    const catalogued = catalogue.topic(topic);
    if (catalogued === undefined || catalogued.config.storage === "memory") continue;
    const capacityBytes = catalogued.config.capacityBytes - (catalogued.config.capacityBytes % 8);
    for (const [partition, state] of catalogued.partitions.entries()) {
      const name = fileNameOf(topic, partition);
      known.add(name);
      logs.push({ topic, partition, state, capacityBytes, isOpen: open.has(name), file: join(directory, name) });
    }
  }
  const doomed = new Set<string>();
  for (const { name, partitions } of catalogue.doomed()) {
    for (let partition = 0; partition < partitions; partition++) doomed.add(fileNameOf(name, partition));
  }
  return { topics: catalogue.topicCount, logs, names: { known, doomed } };
}

/** Files in the place of the logs that are none. */
function strangers(directory: string, { known, doomed }: Contents["names"]): CheckProblem[] {
  if (!existsSync(directory)) return [];
  const problems: CheckProblem[] = [];
  for (const name of readdirSync(directory).sort()) {
    if (known.has(name)) continue;
    const file = join(directory, name);
    problems.push({ severity: "note", file, ...strangerFacts(name, file, doomed) });
  }
  return problems;
}

function strangerFacts(name: string, file: string, doomed: ReadonlySet<string>): Pick<CheckProblem, "what" | "advice"> {
  const [log = ""] = /^.*\.ring(?=$|\.)/.exec(name) ?? [];
  if (name.startsWith(`${log}.aside-`)) {
    const bytes = statSync(file).size;
    return {
      what: `It was set aside, ${bytes} bytes.`,
      advice: "look at it if its records are missed, then remove it",
    };
  }
  if (name === newPathOf(log) || name === resizePathOf(log)) {
    return {
      what: "It was being made when the hub died.",
      advice: "the hub makes it anew when it needs it; it may be removed",
    };
  }
  if (doomed.has(name)) {
    return { what: "Its topic was deleted.", advice: "the hub removes it at its next start" };
  }
  return { what: "No topic of the catalogue has this file.", advice: "the hub never looks at it; move it away" };
}

/** Bytes of a file, 0 where there is none. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    // Missing or out of reach: the check of the log itself says so.
    return 0;
  }
}
