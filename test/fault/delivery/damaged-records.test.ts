/** What readers get of a log in which a record was damaged on disk. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FILE_HEADER_BYTES } from "../../../server/src/log/file-header.js";
import { BinaryClient } from "../../support/binary-client.js";
import { EventReader } from "../../support/event-reader.js";
import { ask } from "../../support/http-request.js";
import { runRingcast, startHub, type TestHub } from "../../support/hub.js";
import { JsonClient, type AnyFrame } from "../../support/json-client.js";

const RECORDS = 10;
const DATA = "0".repeat(22);
/** 48 and the data with its quotes. */
const RECORD_BYTES = 72;
const DAMAGED = 4;
const GAP = { partition: 0, from: DAMAGED, to: DAMAGED, reason: "corrupt", next: DAMAGED + 1 };
const WHOLE = [0, 1, 2, 3, 5, 6, 7, 8, 9];

let hub: TestHub;

beforeAll(async () => {
  hub = await startHub();
  await using client = await JsonClient.connect(hub.wsUrl);
  const messages = new Array<object>(RECORDS).fill({ data: DATA });
  await client.request({ op: "publish", topic: "t", messages });
  await hub.stop();
  damage(join(hub.data, "logs", "t.t.0.ring"), FILE_HEADER_BYTES + DAMAGED * RECORD_BYTES + 50);
  await hub.restart();
});
afterAll(() => hub[Symbol.asyncDispose]());

describe("a record that was damaged on disk", () => {
  it.each([
    ["json", JsonClient, false],
    ["json", JsonClient, true],
    ["msgpack", BinaryClient, true],
  ] as const)(
    "is a gap to a reader over %s (%o, verify: %s), and the others come",
    async (_dialect, Client, verify) => {
      await using reader = await Client.connect(hub.wsUrl);
      await reader.request({ op: "subscribe", topic: "t", from: "earliest", until: "head", verify });

      const frames = await untilEnded(reader);

      expect(frames.filter(({ op }) => op === "gap")).toMatchObject([GAP]);
      expect(offsetsOf(frames)).toEqual(WHOLE);
    },
  );

  it("comes to a binary reader who did not ask for verify, with a check that doesn't hold", async () => {
    await using reader = await BinaryClient.connect(hub.wsUrl);
    await reader.request({ op: "subscribe", topic: "t", from: "earliest", until: "head" });

    const records = (await untilEnded(reader)).flatMap((frame) => (frame.op === "messages" ? frame.records : []));

    expect(records.map(({ isIntact }) => isIntact)).toEqual(Array.from({ length: RECORDS }, (_, n) => n !== DAMAGED));
  });

  it("is a gap to one who begins with it, to a filter that wants it, and to a full window", async () => {
    await using reader = await BinaryClient.connect(hub.wsUrl);
    const ask = { op: "subscribe", topic: "t", from: { offset: DAMAGED }, verify: true };

    await reader.request({ ...ask, until: { offset: DAMAGED + 1 }, window: 1 });
    expect((await untilEnded(reader)).map(({ op }) => op)).toEqual(["gap", "ended"]);
    await reader.request({ ...ask, until: "head", filter: { keys: ["nobody's"] } });
    expect((await untilEnded(reader)).filter(({ op }) => op === "gap")).toMatchObject([GAP]);
  });

  it("is told in event streams, and page by page", async () => {
    using stream = await EventReader.open(`${hub.url}/v1/topics/t/events?from=3&until=6`);
    const events = [await stream.next(), await stream.next(), await stream.next()];
    const before = await ask(hub, "/v1/topics/t/messages");
    const behind = await ask(hub, `/v1/topics/t/messages?from=${String(before.json["next"])}`);

    expect(events.map(({ event }) => event)).toEqual(["message", "gap", "message"]);
    expect(JSON.parse(events[1]?.data ?? "")).toMatchObject({ topic: "t", ...GAP });
    const seen = [before, behind].flatMap(({ json }) => json["messages"] as { offset: number }[]);
    expect([...new Set(seen.map(({ offset }) => offset))]).toEqual(WHOLE);
    expect([before, behind].map(({ json }) => json["gap"]).find((gap) => gap !== undefined)).toMatchObject(GAP);
  });

  it("is left out of an export, which says so and ends with 1", async () => {
    const result = await runRingcast(["export", "t", "--url", hub.url]);
    const exported = result.stdout.split("\n").filter((line) => line !== "");
    expect(exported.map((line) => (JSON.parse(line) as { offset: number }).offset)).toEqual(WHOLE);
    expect([result.code, result.stderr]).toEqual([1, expect.stringContaining("gap:")]);
  });

  it("is counted", async () => {
    expect((await ask(hub, "/metrics")).text).toMatch(/ringcast_gaps_total\{reason="corrupt"\} [1-9]/);
  });
});

function damage(path: string, at: number): void {
  const file = openSync(path, "r+");
  writeSync(file, Buffer.from([0xff]), 0, 1, at);
  closeSync(file);
}

async function untilEnded(reader: JsonClient | BinaryClient): Promise<AnyFrame[]> {
  const frames: AnyFrame[] = [];
  do frames.push(await reader.next());
  while (frames.at(-1)?.op !== "ended");
  return frames;
}

function offsetsOf(frames: readonly AnyFrame[]): number[] {
  return frames.flatMap(({ op, messages }) => (op === "messages" ? messages.map(({ offset }) => offset) : []));
}
