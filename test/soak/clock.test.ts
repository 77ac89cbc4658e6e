/** The machine's clock jumps while the hub runs: an hour back, a day ahead, and back again. */
import { describe, expect, it } from "vitest";
import { run, type Injection } from "../fault/workload/run.js";
import { EventReader } from "../support/event-reader.js";
import { fakeClock, hasFakeClock } from "../support/fake-clock.js";
import { startHub, type TestHub } from "../support/hub.js";
import { JsonClient } from "../support/json-client.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { addRow, addRunRow, NOTHING } from "./rows.js";
import { cycles, SEED } from "./scale.js";

const CYCLES = cycles(2, 25);
/** Time for one cycle on a machine that has more to do. */
const CYCLE_MS = 20_000;
const AN_HOUR = 3_600;
const A_DAY = 24 * AN_HOUR;
/** Longer than any of this takes. */
const AGE_LIMIT_MS = 30_000;
const TOKEN = "a-secret-of-at-least-thirty-two-bytes";
const BEARER = { headers: { Authorization: `Bearer ${TOKEN}` } };
/** How long the clock is wrong under load. */
const WRONG_FOR_MS = 500;
const RECORDS = 50;

describe.skipIf(!hasFakeClock)(`a clock that jumps (RINGCAST_SEED=${SEED}, ${CYCLES} cycles)`, () => {
  it.each([
    ["an hour back", -AN_HOUR],
    ["a day ahead", A_DAY],
  ])(
    "%s and back again: nothing is lost, nothing expires, no timestamp runs back",
    async (fault, seconds) => {
      using clock = fakeClock();
      await using hub = await startHub({ env: clock.env, args: ["--drain-timeout-ms", "200"] });
      await applyAgeLimit(hub, "kept", AN_HOUR * 500);
      await using client = await JsonClient.connect(hub.wsUrl);
      await publishRecords(client, "kept");
      const jump: Injection = async () => {
        clock.set(seconds);
        await applyAgeLimit(hub, "kept", AN_HOUR * 500);
        await pause(WRONG_FOR_MS);
        clock.set(0);
        return { name: fault, costs: "none" };
      };

      const result = await run({
        hub,
        seed: SEED,
        injections: Array.from({ length: CYCLES }, () => jump),
        demands: { acknowledged: CYCLES * 30, faults: CYCLES },
      });

      addRunRow(`clock: ${fault}`, result);
      expect(result.anomalies).toEqual([]);
      expect(result.vacuous).toEqual([]);
      // The connection was silent all the while.
      expect(await boundsOf(client, "kept")).toEqual({ tail: 0, head: RECORDS });
    },
    CYCLES * CYCLE_MS + 30_000,
  );

  it("an hour back over a restart: timestamps go on where they were", async () => {
    using clock = fakeClock();
    await using hub = await startHub({ env: clock.env, args: ["--drain-timeout-ms", "200"] });
    const setBack: Injection = async () => {
      clock.set(-AN_HOUR);
      await hub.kill();
      await hub.restart();
      clock.set(0);
      return { name: "an hour back over a restart", costs: "none" };
    };

    const demands = { acknowledged: 30, faults: 1 };
    const result = await run({ hub, seed: SEED, injections: [setBack], demands });

    addRunRow("clock: an hour back over a restart", result);
    expect(result.anomalies).toEqual([]);
    expect(result.vacuous).toEqual([]);
  });

  it("topics with an age limit lose only what is that old, whichever way the clock goes", async () => {
    using clock = fakeClock();
    await using hub = await startHub({ env: clock.env });
    await applyAgeLimit(hub, "short");
    await using client = await JsonClient.connect(hub.wsUrl);

    for (const seconds of [0, A_DAY, 0, -AN_HOUR, 0]) {
      clock.set(seconds);
      await publishRecords(client, "short");
      await applyAgeLimit(hub, "short");
    }
    const { tail, head } = await boundsOf(client, "short");
    clock.set(-AN_HOUR);
    await applyAgeLimit(hub, "new");
    await publishRecords(client, "new");
    await applyAgeLimit(hub, "new");
    const fresh = await boundsOf(client, "new");

    addRow({
      ...NOTHING,
      fault: "clock: back and ahead, age limits",
      cycles: 6,
      operations: 6 * RECORDS,
      acknowledged: 6 * RECORDS,
      delivered: 0,
      lost: tail + fresh.tail,
    });
    expect([tail, head, fresh.tail, fresh.head]).toEqual([0, 5 * RECORDS, 0, RECORDS]);
  });

  it("starts by time, producers and their sequences are what they were", async () => {
    using clock = fakeClock();
    await using hub = await startHub({ env: clock.env });
    await using client = await JsonClient.connect(hub.wsUrl);
    const publish = (sequence: number) =>
      client.request({ op: "publish", topic: "t", data: sequence, producer: { id: "p", sequence } });
    const startAt = async (time: number): Promise<number | undefined> => {
      const { partitions } = await client.request({ op: "subscribe", topic: "t", from: { time } });
      return partitions["0"]?.next;
    };

    const replies = [];
    for (const [sequence, seconds] of [0, 30 * A_DAY, 0, -AN_HOUR].entries()) {
      clock.set(seconds);
      replies.push(await publish(sequence));
    }
    const [first, ahead] = replies.map(({ timestamp }) => timestamp) as [number, number];
    clock.set(30 * A_DAY);
    const repeated = await publish(3);
    clock.set(0);

    expect(replies.map(({ op, offset }) => [op, offset])).toEqual([0, 1, 2, 3].map((n) => ["published", n]));
    expect(repeated).toMatchObject({ op: "published", offset: 3, duplicate: true });
    // What follows a record that was stamped ahead has its time.
    expect(replies.map(({ timestamp }) => timestamp)).toEqual([first, ahead, ahead, ahead]);
    expect(await Promise.all([first, first + 1, ahead, ahead + 1].map(startAt))).toEqual([0, 1, 1, 4]);
  });

  it.each([
    ["an hour back", -AN_HOUR],
    ["a day ahead", A_DAY],
  ])("%s: time-outs take as long as they should", async (fault, seconds) => {
    using clock = fakeClock();
    const limits = ["--auth-timeout-ms", "1500", "--idle-timeout-ms", "2000", "--ping-interval-ms", "500"];
    await using hub = await startHub({ env: clock.env, args: [...limits, "--token", TOKEN] });
    await using network = await startTcpProxy(hub.port);
    await using idle = await JsonClient.connect(hub.wsUrl, BEARER);
    using events = await EventReader.open(`${hub.url}/v1/topics/t/events`, BEARER.headers);
    await using unheard = await JsonClient.connect(`${network.wsUrl}/v1/ws`, BEARER);
    network.muteClients();
    const began = performance.now();
    await using stranger = await JsonClient.connect(hub.wsUrl);
    clock.set(seconds);

    const [authMs, idleMs] = await Promise.all(
      [stranger, unheard].map(async ({ closed }) => {
        await closed;
        return performance.now() - began;
      }),
    );
    const isServed = (await idle.request({ op: "ping" })).op === "pong" && !events.ended;
    clock.set(0);
    const stopBegan = performance.now();
    const exit = await hub.stop();
    const stopMs = performance.now() - stopBegan;

    addRow({
      ...NOTHING,
      fault: `clock: ${fault}, time-outs`,
      cycles: 1,
      operations: 5,
      acknowledged: 0,
      delivered: 0,
    });
    expect([isServed, exit]).toEqual([true, 0]);
    expect(authMs).toBeGreaterThanOrEqual(1_400);
    expect(idleMs).toBeGreaterThanOrEqual(1_400);
    // Seconds on a machine that has more to do; an hour off would be an hour.
    expect(Math.max(authMs as number, idleMs as number, stopMs)).toBeLessThan(20_000);
  });
});

/** Makes the topic if need be; the hub looks at once what is too old. */
async function applyAgeLimit(hub: TestHub, name: string, retentionMs = AGE_LIMIT_MS): Promise<void> {
  const response = await fetch(`${hub.url}/v1/topics/${name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ retentionMs }),
  });
  if (!response.ok) throw new Error(await response.text());
}

async function publishRecords(client: JsonClient, topic: string): Promise<void> {
  const messages = Array.from({ length: RECORDS }, (_, n) => ({ data: n }));
  const reply = await client.request({ op: "publish", topic, messages });
  if (reply.op !== "published") throw new Error(JSON.stringify(reply));
}

async function boundsOf(client: JsonClient, name: string): Promise<{ tail: number; head: number }> {
  const { topic } = await client.request({ op: "topic", topic: name });
  const { tail, head } = topic.partitions[0] as { tail: number; head: number };
  return { tail, head };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
