import { describe, expect, it } from "vitest";
import type { Frame, Hub, Reader } from "../../../../server/src/hub/index.js";
import { startInProcess } from "../../../property/delivery/in-process-hub.js";

const message = { contentType: 3, data: Buffer.from("x"), key: undefined, headers: Buffer.alloc(0) } as const;
const publish = { topic: "t", messages: [message], partition: undefined, producer: undefined, durability: undefined };

describe("a publish that nobody reads", () => {
  it("asks for no flush", async () => {
    await using world = await startInProcess();
    const publisher = world.hub.openPublisher();
    await publisher.publish(publish, undefined);
    world.runtime.settle();

    await publisher.publish(publish, undefined);

    expect(world.runtime.isBusy).toBe(false);
  });

  it("reaches who subscribes later in the same turn at the beginning, with all that follows", async () => {
    await using world = await startInProcess();
    const publisher = world.hub.openPublisher();
    const client = world.connect();

    await publisher.publish(publish, undefined);
    client.ask({ op: "subscribe", id: 1, topic: "t", from: "earliest" });
    await publisher.publish(publish, undefined);
    world.runtime.settle();

    const deliveries = client.take().filter(({ op }) => op === "messages");
    expect(deliveries.flatMap(({ messages }) => messages.map(({ offset }) => offset))).toEqual([0, 1]);
  });
});

describe("readers at one place", () => {
  it("get the very same frame, and each as much as its window has room for", async () => {
    await using world = await startInProcess();
    const publisher = world.hub.openPublisher();
    await publisher.publish(publish, undefined);
    const [free, held] = [subscribed(world.hub, { window: 0 }), subscribed(world.hub, { window: 1 })];

    for (let n = 0; n < 2; n++) {
      await publisher.publish(publish, undefined);
      world.runtime.settle();
    }

    expect(free.frames).toHaveLength(2);
    expect(held.frames).toEqual([free.frames[0]]);
    expect(held.frames[0]).toBe(free.frames[0]);

    held.reader.ack({ subscription: held.number, topic: undefined, partition: 0, offset: 1 });
    world.runtime.settle();
    expect(held.frames).toHaveLength(2);
  });

  it("are counted what they got of partitions that are no more", async () => {
    await using world = await startInProcess();
    world.hub.putTopic("t", { partitions: 2 }, { ifAbsent: true });
    const { reader } = subscribed(world.hub, { window: 0 });
    const publisher = world.hub.openPublisher();
    for (const partition of [0, 1]) await publisher.publish({ ...publish, partition }, undefined);
    world.runtime.settle();

    world.hub.deleteTopic("t");
    world.hub.putTopic("t", { partitions: 1 }, { ifAbsent: true });
    await publisher.publish(publish, undefined);
    world.runtime.settle();

    expect(reader.report()[0]).toMatchObject({ cursorCount: 1, deliveredRecords: 3 });
  });
});

/** A reader that subscribes to `t`, with what it got. */
function subscribed(hub: Hub, { window }: { readonly window: number }): Subscriber {
  const got: Frame[] = [];
  const outlet = {
    takeReplies: (_frames: Frame[], count: number) => count,
    send: (frames: readonly Frame[], count: number) => {
      got.push(...frames.slice(0, count));
      return "open" as const;
    },
    failed: (error: unknown) => expect.unreachable(String(error)),
  };
  const reader = hub.openReader(outlet, "msgpack");
  const rest = { pattern: undefined, until: undefined, filter: undefined, verify: false };
  const { subscription } = reader.subscribe({ ...rest, topic: "t", from: "latest", window });
  return { reader, number: subscription, frames: got };
}

interface Subscriber {
  readonly reader: Reader;
  readonly number: number;
  readonly frames: readonly Frame[];
}
