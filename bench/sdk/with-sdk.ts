/** The work as a user of the SDK writes it. */
import type { AnyTopics, connect, Hub as HubOf } from "@ringcast/client";
import { dataOf, type Client, type Task } from "./task.js";

type Hub = HubOf<AnyTopics>;

/** @param connectTo of the entry that is measured */
export function sdkClient(connectTo: typeof connect): Client {
  return async (task, begin, end) => {
    await using hub = connectTo(task.url);
    await hub.connected();
    begin();
    await (task.what === "read" ? read(hub, task) : publish(hub, task));
    end();
  };
}

async function read(hub: Hub, { topic, records, window = 1_024 }: Task): Promise<void> {
  for await (const { offset } of hub.subscribe(topic, { from: "earliest", window })) if (offset + 1 === records) break;
}

async function publish(hub: Hub, { topic, records, batch = 1 }: Task): Promise<void> {
  let stored = 0;
  const count = (): void => void (stored += batch);
  let last: Promise<void> | undefined;
  for (let n = 0; n < records; n += batch) {
    const publishing =
      batch === 1
        ? hub.publish(topic, dataOf("object", n))
        : hub.publishMany(
            topic,
            Array.from({ length: batch }, (_, i) => ({ data: dataOf("object", n + i) })),
          );
    last = publishing.then(count);
    await hub.drained();
  }
  // They are answered in order.
  await last;
  if (stored !== records) throw new Error(`${stored} of ${records} were stored`);
}
