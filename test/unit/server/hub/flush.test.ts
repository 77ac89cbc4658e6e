import { describe, expect, it } from "vitest";
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
