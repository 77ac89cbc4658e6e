/** What becomes of a log's file: a bit flipped at each byte of its header, cut under the hub, its blocks shared with a copy. */
import { execFileSync } from "node:child_process";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FILE_HEADER_BYTES } from "../../server/src/log/file-header.js";
import { flip, KilledLogs, RECORDS, without } from "../fault/log/killed-logs.js";
import { askJson } from "../support/http-request.js";
import { startHub, type TestHub } from "../support/hub.js";
import { type AnyFrame, JsonClient } from "../support/json-client.js";
import { LoopDevice } from "../support/loop-device.js";
import { fillDisk, freeDisk } from "../support/small-disk.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";
import { addRow, NOTHING } from "./rows.js";
import { amount } from "./scale.js";

const MIB = 2 ** 20;
/** Bits flipped of each byte. */
const BITS = amount(1, 8);
const EVERY_CASE = (["mapped", "file"] as const).flatMap((region) =>
  (["kill", "power"] as const).map((after) => ({ region, after })),
);
/** Every byte in either region, and after either death. */
const CASES =
  amount(0, 1) === 1
    ? EVERY_CASE
    : EVERY_CASE.filter(({ region, after }) => (region === "file") === (after === "power"));

describe.each(CASES)("the header of a log in a $region region, after $after", ({ region, after }) => {
  let logs: KilledLogs;
  beforeAll(async () => {
    logs = await KilledLogs.make({ mmap: region === "mapped", isSynced: true });
  });
  afterAll(() => logs[Symbol.dispose]());

  it(
    "may have a flipped bit at any byte: no record is lost, and a new epoch begins where head and tail were not sure",
    async () => {
      let lost = 0;
      let epochs = 0;
      const damages = Array.from({ length: FILE_HEADER_BYTES * BITS }, (_, n) => ({
        at: n % FILE_HEADER_BYTES,
        turn: Math.floor(n / FILE_HEADER_BYTES),
      }));
      await logs.open({
        damages,
        damage: flip,
        after,
        check: ({ log, offsets, holes }, { at }) => {
          lost += RECORDS - offsets.length;
          if (log.lineage.length > 2) epochs++;
          expect([at, log.head, offsets, holes]).toEqual([at, RECORDS, without(), []]);
          expect(log.lineage.at(-1)?.first).toBe(log.lineage.length > 2 ? RECORDS : 5);
        },
      });
      const row = { cycles: damages.length, operations: damages.length, acknowledged: damages.length * RECORDS };
      addRow({
        fault: `storage: header byte, ${region}, ${after}`,
        ...row,
        delivered: row.acknowledged - lost,
        ...NOTHING,
        lost,
      });
      // A flip in the head words is the only one that leaves doubt; after a power cut there is always some.
      if (after === "power") expect(epochs).toBe(damages.length);
      else expect(epochs).toBeGreaterThan(0);
      if (after === "kill") expect(epochs).toBeLessThan(100 * BITS);
    },
    BITS * 240_000,
  );
});

/** Publishes so many records of so many bytes. @returns those that were acknowledged */
async function publish(client: JsonClient, topic: string, count: number, bytes = 1_000): Promise<number> {
  let acknowledged = 0;
  for (let n = 0; n < count; n++) {
    const reply = await client.request({ op: "publish", topic, data: "x".repeat(bytes) }).catch(() => undefined);
    if (reply === undefined) return acknowledged;
    if (reply.op !== "error") acknowledged++;
  }
  return acknowledged;
}

/** Reads a topic from its tail to its head. @returns the offsets delivered, and the gaps told */
async function read(hub: TestHub, topic: string): Promise<{ readonly offsets: number[]; readonly gaps: AnyFrame[] }> {
  await using client = await JsonClient.connect(hub.wsUrl);
  await client.request({ op: "subscribe", topic, from: "earliest", until: "head" });
  const offsets: number[] = [];
  const gaps: AnyFrame[] = [];
  for (;;) {
    const frame = await client.next();
    if (frame.op === "ended") return { offsets, gaps };
    if (frame.op === "messages") offsets.push(...frame.messages.map(({ offset }) => offset));
    if (frame.op === "gap") gaps.push(frame);
  }
}

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, offset) => offset);
}

describe("a log's file that is cut under the hub", () => {
  it("ends the process; the next one tells what is gone of that log, and serves the others whole", async () => {
    await using hub = await startHub();
    await using client = await JsonClient.connect(hub.wsUrl);
    const kept = await publish(client, "kept", 100);
    await publish(client, "cut", 100);
    truncateSync(join(hub.data, "logs", "t.cut.0.ring"), FILE_HEADER_BYTES + 40_960);

    await publish(client, "cut", 100);
    await until("the hub has died", () => !hub.isRunning);
    await hub.restart();

    const whole = await read(hub, "kept");
    const cut = await read(hub, "cut");
    await using after = await JsonClient.connect(hub.wsUrl);
    const announced = cut.gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    const unannounced = 100 - cut.offsets.length - announced;
    const delivered = whole.offsets.length + cut.offsets.length;
    const counts = { operations: 200, acknowledged: 200, delivered };
    addRow({ fault: "storage: file cut under the hub", cycles: 1, ...counts, ...NOTHING, unannounced });
    expect(whole).toEqual({ offsets: upTo(kept), gaps: [] });
    expect(cut.offsets).toEqual(upTo(cut.offsets.length));
    expect(cut.gaps.every(({ reason }) => reason === "corrupt")).toBe(true);
    expect([cut.gaps[0]?.from, cut.gaps.at(-1)?.to, unannounced]).toEqual([cut.offsets.length, 99, 0]);
    expect(await publish(after, "cut", 1)).toBe(1);
  });
});

describe("a log that shares its blocks with a copy (cp --reflink), on a full disk", () => {
  let device: LoopDevice;
  beforeAll(() => {
    device = new LoopDevice("xfs", 320 * MIB);
  });
  afterAll(() => device[Symbol.asyncDispose]());

  /** A log of 100 records whose blocks are shared, and no room for others. */
  async function shared(hub: TestHub, client: JsonClient): Promise<void> {
    await askJson(hub, "PUT", "/v1/topics/t", { capacityBytes: MIB });
    expect(await publish(client, "t", 100)).toBe(100);
    execFileSync("cp", ["--reflink=always", join(hub.data, "logs", "t.t.0.ring"), join(device.path, "copy")]);
    fillDisk(device.path);
  }

  it("ends the process when it is mapped; with room it serves everything again", async () => {
    const hub = await startHub({ data: join(device.path, "mapped") });
    try {
      await using client = await JsonClient.connect(hub.wsUrl);
      await shared(hub, client);

      expect(await publish(client, "t", 100)).toBe(0);
      await until("the hub has died", () => !hub.isRunning);
      freeDisk(device.path);
      await hub.restart();

      const { offsets, gaps } = await read(hub, "t");
      await using after = await JsonClient.connect(hub.wsUrl);
      const counts = { operations: 101, acknowledged: 100, delivered: offsets.length, ...NOTHING };
      addRow({
        fault: "storage: shared blocks, mapped",
        cycles: 1,
        ...counts,
        lost: Math.max(0, 100 - offsets.length),
      });
      expect([offsets.slice(0, 100), gaps]).toEqual([upTo(100), []]);
      expect(await publish(after, "t", 1)).toBe(1);
    } finally {
      await hub[Symbol.asyncDispose]();
    }
  });

  it("refuses publishes and serves readers when it isn't mapped, and works again by itself", async () => {
    const hub = await startHub({ data: join(device.path, "file"), args: ["--no-mmap"] });
    try {
      await using client = await JsonClient.connect(hub.wsUrl);
      await shared(hub, client);

      const reply = await client.request({ op: "publish", topic: "t", data: 1 });
      expect(reply).toMatchObject({ op: "error", code: "unavailable", details: { stored: "no" } });
      expect((await read(hub, "t")).offsets).toEqual(upTo(100));
      freeDisk(device.path);
      await until("publishing works again", async () => (await publish(client, "t", 1)) === 1, 2_000);

      const { offsets, gaps } = await read(hub, "t");
      const counts = { operations: 102, acknowledged: 101, delivered: offsets.length, ...NOTHING };
      addRow({ fault: "storage: shared blocks, not mapped", cycles: 1, ...counts, lost: 101 - offsets.length });
      expect([offsets, gaps]).toEqual([upTo(101), []]);
    } finally {
      await hub[Symbol.asyncDispose]();
    }
  });
});

describe("a directory that a hub has", () => {
  it("may hold the lock of one that is dead", async () => {
    using folder = tempDir();
    await using hub = await startHub({ data: folder.path });
    await hub.kill();
    await hub.restart();
    expect(hub.isRunning).toBe(true);
  });
});
