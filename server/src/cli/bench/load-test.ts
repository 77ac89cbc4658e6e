/**
 * Loads a hub that is running: makes topics of its own, connects, measures, waits for what is on its way, and deletes
 * the topics.
 */
import { RingcastError, type TopicDescription } from "@ringcast/protocol";
import { request, type HubAddress } from "../hub-access.js";
import { topicPath } from "../topic-actions.js";
import { LoadError, LoadGenerator, type Totals } from "./generator.js";
import { findListener } from "./local-process.js";
import type { Measured, Target } from "./plan.js";
import { ringcastTarget, type RingcastDialect } from "./ringcast.js";

/** Time for what was published last to arrive. */
const SETTLE_MS = 5_000;
/** Topics that are made or deleted at the same time. */
const REQUESTS = 16;

export interface LoadTest {
  readonly address: HubAddress;
  readonly dialect: RingcastDialect;
  readonly subscribers: number;
  readonly publishers: number;
  readonly topics: number;
  readonly bytes: number;
  readonly batch: number;
  /** Records a second; undefined: as many as the gates let through. */
  readonly rate: number | undefined;
  readonly inflight: number;
  readonly ahead: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly threads: number | undefined;
  /** `auto`: whoever listens on the hub's port, if that is on this machine. */
  readonly pid: number | "auto";
}

export interface LoadResult {
  readonly measured: Measured;
  /** Counts over the whole run, with warm-up and what came after the window. */
  readonly totals: Totals;
  /** Records in the topics by the hub's own account: the heads of their partitions. */
  readonly stored: number;
  /** Whether all that was published was acknowledged in the end. */
  readonly isSettled: boolean;
  /** The hub's process, where it is known. */
  readonly pid: number | undefined;
  readonly connectSeconds: number;
}

export interface LoadWatch {
  readonly interrupted: AbortSignal;
  /** What is going on now. */
  phase(text: string): void;
  /** Called some ten times a second while it measures. @param part of the time that is over, 0 to 1 */
  progress(totals: Totals, part: number): void;
}

/**
 * @returns undefined where it was interrupted before anything was measured
 * @throws RingcastError what the hub refuses with; `unavailable` where a connection breaks
 */
export async function runLoadTest(test: LoadTest, watch: LoadWatch): Promise<LoadResult | undefined> {
  const { address } = test;
  await request(address, "GET", "/healthz");
  const run = Date.now().toString(36);
  const topics = Array.from({ length: test.topics }, (_, index) => `bench.${run}.${index + 1}`);
  try {
    watch.phase("making topics");
    await each(topics, (topic) => request(address, "PUT", topicPath(topic), {}));
    if (watch.interrupted.aborted) return undefined;
    return await load(test, topics, watch);
  } catch (error) {
    if (error instanceof LoadError) throw new RingcastError("unavailable", error.message, {}, { cause: error });
    throw error;
  } finally {
    watch.phase("deleting topics");
    await each(topics, (topic) => remove(address, topic));
  }
}

async function load(test: LoadTest, topics: readonly string[], watch: LoadWatch): Promise<LoadResult | undefined> {
  const { address, dialect } = test;
  const url = new URL(address.url);
  const isTls = url.protocol === "https:";
  const port = Number(url.port) || (isTls ? 443 : 80);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const target = ringcastTarget({ host, port, tls: isTls, dialect, token: address.token });
  const pid = test.pid === "auto" ? (isLoopback(host) ? findListener(port) : undefined) : test.pid;
  await using generator = await LoadGenerator.start(test.threads === undefined ? {} : { threads: test.threads });
  const { interrupted } = watch;

  watch.phase("connecting");
  const connectSeconds = await connect(generator, { test, target, topics, interrupted });
  if (connectSeconds === undefined) return undefined;

  watch.phase("");
  const beganMs = performance.now();
  const timer = setInterval(() => {
    const passed = (performance.now() - beganMs) / 1000;
    watch.progress(generator.totals(), passed / (test.warmupSeconds + test.seconds));
  }, 100);
  const warmupMs = test.warmupSeconds * 1000;
  const pids = pid === undefined ? [] : [pid];
  const measured = await generator
    .run({ warmupMs, ms: test.seconds * 1000, pids, signal: interrupted })
    .finally(() => clearInterval(timer));
  if (interrupted.aborted && performance.now() - beganMs < warmupMs) return undefined;

  watch.phase("waiting for what is on its way");
  const isSettled = await generator.settle({ timeoutMs: SETTLE_MS, acknowledges: true });
  const stored = await countStored(address, topics);
  return { measured, totals: generator.totals(), stored, isSettled, pid, connectSeconds };
}

interface Connecting {
  readonly test: LoadTest;
  readonly target: Target;
  readonly topics: readonly string[];
  readonly interrupted: AbortSignal;
}

/** Connects readers and writers. @returns how long it took, seconds; undefined where it was interrupted */
async function connect(
  generator: LoadGenerator,
  { test, target, topics, interrupted }: Connecting,
): Promise<number | undefined> {
  const { subscribers, publishers, bytes, batch, rate, inflight, ahead } = test;
  const stop = () => void generator.close();
  interrupted.addEventListener("abort", stop);
  try {
    const readers = subscribers > 0 ? await generator.readers({ target, topics, connections: subscribers }) : undefined;
    const gates = { inflight, ahead, ...(rate === undefined ? {} : { rate }) };
    const writers = await generator.writers({ target, topics, connections: publishers, bytes, batch, ...gates });
    return (readers?.seconds ?? 0) + writers.seconds;
  } catch (error) {
    if (interrupted.aborted) return undefined;
    throw error;
  } finally {
    interrupted.removeEventListener("abort", stop);
  }
}

async function countStored(address: HubAddress, topics: readonly string[]): Promise<number> {
  let stored = 0;
  await each(topics, async (topic) => {
    const { partitions } = (await request(address, "GET", topicPath(topic))) as TopicDescription;
    for (const { head } of partitions) stored += head;
  });
  return stored;
}

async function remove(address: HubAddress, topic: string): Promise<void> {
  try {
    await request(address, "DELETE", topicPath(topic));
  } catch (error) {
    // It was never made: another error came before, which is the one to tell.
    if (!(error instanceof RingcastError && (error.code === "unknown_topic" || error.code === "unavailable")))
      throw error;
  }
}

async function each(topics: readonly string[], act: (topic: string) => Promise<unknown>): Promise<void> {
  const left = topics.values();
  const worker = async () => {
    for (const topic of left) await act(topic);
  };
  await Promise.all(Array.from({ length: REQUESTS }, worker));
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
