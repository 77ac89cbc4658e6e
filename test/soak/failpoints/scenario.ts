/** A short life of a hub that comes by everything that touches the disk. */
import type { TestHub } from "../../support/hub.js";
import { Client, GoneError } from "./client.js";
import type { Expected } from "./expected.js";

/** Records of so many bytes have the file grow, and go round the ring. */
const LARGE_BYTES = 12_000;

/**
 * Publishes, configures, deletes and lists, one after another.
 *
 * @param round on data that the rounds before have made, from 0
 * @returns whether it came to its end; false: the hub is gone
 */
export async function work(
  hub: TestHub,
  expected: Expected,
  round: number,
): Promise<{ isDone: boolean; wrong: string[] }> {
  let client: Client | undefined;
  try {
    client = await Client.connect(hub, expected);
    await plain(client, round);
    await retained(client);
    await grown(client, round);
    await deleted(client, round);
    return { isDone: true, wrong: client.wrong };
  } catch (error) {
    if (!(error instanceof GoneError)) throw error;
    return { isDone: false, wrong: client?.wrong ?? [] };
  } finally {
    await client?.[Symbol.asyncDispose]();
  }
}

/** Single records, batches, a producer's sequence; what waits for the device, and what doesn't. */
async function plain(client: Client, round: number): Promise<void> {
  await client.configure("plain", { partitions: 2, capacityBytes: 65_536 });
  await client.publish("plain", 1);
  await client.publish("plain", 1, { durability: "synced" });
  await client.publish("plain", 7, { keys: ["a", "b", "c"] });
  for (const durability of ["stored", "synced", "stored"] as const)
    await client.publish("plain", 2, { producer: "p", durability });
  await client.configure("plain", { retentionMs: 3_600_000 + round });
}

async function retained(client: Client): Promise<void> {
  await client.configure("retained", { retentionRecords: 4 });
  for (let n = 0; n < 3; n++) await client.publish("retained", 3);
}

/** The file grows, the ring goes round, and it gets another capacity meanwhile. */
async function grown(client: Client, round: number): Promise<void> {
  await client.configure("grown", { capacityBytes: 65_536 * (2 * round + 1) });
  for (let n = 0; n < 8; n++) await client.publish("grown", 1, { bytes: LARGE_BYTES });
  await client.configure("grown", { capacityBytes: 65_536 * (2 * round + 2) });
  await client.publish("grown", 1, { bytes: LARGE_BYTES, durability: "synced" });
  await client.list();
}

async function deleted(client: Client, round: number): Promise<void> {
  const name = `deleted-${round}`;
  await client.publish(name, 2);
  await client.remove(name);
  await client.publish(name, 1, { durability: "synced" });
  await client.publish("gone", 1);
  await client.remove("gone");
  await client.list();
}
