/** The tables of test/hostile again and again: what they leave in the hub's memory. And those of their rows that take ten seconds. */
import { describe, expect, it } from "vitest";
import { Bystander } from "../hostile/bystander.js";
import { describeCases, type HostileCase } from "../hostile/case.js";
import { SLOW_HANDSHAKES } from "../hostile/cases/handshake.js";
import { HTTP, HTTP_ARGS } from "../hostile/cases/http.js";
import { MemoryWatch } from "../support/footprint.js";
import type { TestHub } from "../support/hub.js";
import { startInspectedHub } from "../support/inspected-hub.js";
import type { TransportName } from "../support/transports.js";
import { FAMILIES, metAsItShould } from "./hostile-families.js";
import { addRow, NOTHING } from "./rows.js";
import { amount } from "./scale.js";

const KIB = 1024;

/** What a case may leave in the hub, over all, after a collection. */
const KEPT_BYTES_A_CASE = 4 * KIB;
/** The allocator takes and gives back memory in pieces, however few bytes are in use. */
const SLACK_BYTES = 256 * KIB;
/** A heap that has grown for another reason does so a few times at first; a leak goes on, window after window. */
const MOST_WINDOWS = 8;
/** Beyond it a case is tried once, not again and again. */
const CHEAP_MS = 150;
/** Cases in a window. */
const TRIES = amount(200, 20_000);
const LIMIT_BYTES = KEPT_BYTES_A_CASE * TRIES + SLACK_BYTES;
const TIMEOUT_MS = amount(180_000, 3_600_000);

describe("hostile input, again and again", () => {
  it.each(FAMILIES)("$name leave nothing in memory over $transport", { timeout: TIMEOUT_MS }, async (run) => {
    await using hub = await startInspectedHub({ args: ["--transport", run.transport, ...(run.args ?? [])] });
    await using bystander = await Bystander.start(hub);
    using memory = new MemoryWatch(hub);
    const cheap = await cheapOf(run.cases, hub, run.transport);
    // What is made once and kept: code, tables, buffers.
    await tryAll(cheap, hub, run.transport);
    const kept: number[] = [];
    while (kept.length < MOST_WINDOWS && !kept.some((bytes) => bytes <= LIMIT_BYTES)) {
      const before = await hub.keptBytes();
      await tryAll(cheap, hub, run.transport);
      kept.push((await hub.keptBytes()) - before);
    }
    await bystander.complete();

    const messages = bystander.latencies.length;
    addRow({
      ...{
        fault: `hostile: ${run.name} over ${run.transport}`,
        cycles: kept.length * TRIES,
        operations: kept.length * TRIES,
      },
      ...{ acknowledged: messages, delivered: messages, ...NOTHING, peakMiB: memory.peakMiB },
    });
    expect(Math.min(...kept)).toBeLessThanOrEqual(LIMIT_BYTES);
  });
});

describeCases("what uWebSockets.js gives up by its own time", [...SLOW_HANDSHAKES, ...HTTP], {
  args: HTTP_ARGS,
  isConcurrent: true,
  isPatient: true,
});

/** Each is met as it should be, and those that take no time are repeated. */
async function cheapOf(cases: readonly HostileCase[], hub: TestHub, transport: TransportName): Promise<HostileCase[]> {
  const cheap: HostileCase[] = [];
  for (const each of cases) {
    if (each.patientOver?.includes(transport) === true) continue;
    const begin = performance.now();
    await each.meet({ hub, transport });
    if (performance.now() - begin < CHEAP_MS) cheap.push(each);
  }
  return cheap;
}

async function tryAll(cases: readonly HostileCase[], hub: TestHub, transport: TransportName): Promise<void> {
  for (let tried = 0; tried < TRIES; tried++) {
    await metAsItShould(cases[tried % cases.length] as HostileCase, { hub, transport });
  }
}
