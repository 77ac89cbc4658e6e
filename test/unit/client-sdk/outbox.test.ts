import { connect, type KeptPublish, type Outbox } from "@ringcast/client";
import { jsonCodec } from "@ringcast/client/json";
import { describe, expect, it } from "vitest";
import { ScriptedNetwork } from "../../support/scripted-network.js";
import { settle, VirtualRuntime } from "../../support/virtual-runtime.js";

/** An outbox in memory: the same one for page after page. */
class Shelf implements Outbox {
  readonly kept = new Map<KeptPublish, KeptPublish>();
  /** While set, nothing is safe yet. */
  isSlow = false;
  readonly #waiting: (() => void)[] = [];

  load(restore: (kept: KeptPublish) => KeptPublish): Promise<void> {
    const left = [...this.kept.values()];
    this.kept.clear();
    for (const each of left) this.kept.set(restore(each), each);
    return Promise.resolve();
  }

  keep(publish: KeptPublish): Promise<void> {
    const { target, body, producer, sequence } = publish;
    this.kept.set(publish, { target, body, producer, sequence });
    return this.isSlow ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  drop(publish: KeptPublish): void {
    this.kept.delete(publish);
  }

  finish(): void {
    this.isSlow = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

async function page(outbox: Outbox) {
  const network = new ScriptedNetwork();
  const runtime = new VirtualRuntime();
  const hub = connect("ws://hub", {
    runtime,
    transport: network.transport,
    codec: jsonCodec,
    outbox,
    timeoutMs: Infinity,
  });
  await settle();
  return { network, hub };
}

const sent = ({ network }: { readonly network: ScriptedNetwork }) =>
  network.socket.requests("publish").map(({ data, producer }) => `${String(data)}@${producer.id}.${producer.sequence}`);

describe("an outbox", () => {
  it("has the publishes of a page without a hub, and the next page sends them under the same sequences, before its own", async () => {
    const shelf = new Shelf();
    const first = await page(shelf);
    for (const data of ["a", "b"]) first.hub.publish("t", data).catch(() => undefined);
    await settle();
    expect([...shelf.kept.values()].map(({ sequence }) => sequence)).toEqual([0, 1]);
    await first.hub.close();

    const second = await page(shelf);
    void second.hub.publish("t", "c");
    await settle();
    await second.network.socket.welcome();
    const [one = ""] = sent(second);
    const id = one.slice(2, -2);
    expect(sent(second)).toEqual([`a@${id}.0`, `b@${id}.1`, `c@${id}.2`]);
    for (const each of second.network.socket.requests("publish")) await second.network.socket.store(each, 0);
    expect(shelf.kept.size).toBe(0);
  });

  it("holds a publish back until it is safe", async () => {
    const shelf = new Shelf();
    const setup = await page(shelf);
    await setup.network.socket.welcome();
    shelf.isSlow = true;
    void setup.hub.publish("t", "a");
    await settle();
    expect(sent(setup)).toEqual([]);
    shelf.finish();
    await settle();
    expect(sent(setup)).toHaveLength(1);
  });

  it("sends in the order of the publishes, although a later one is safe first", async () => {
    const shelf = new Shelf();
    const setup = await page(shelf);
    await setup.network.socket.welcome();
    shelf.isSlow = true;
    void setup.hub.publish("t", "a");
    await settle();
    shelf.isSlow = false;
    void setup.hub.publish("t", "b");
    await settle();
    expect(sent(setup)).toEqual([]);
    shelf.finish();
    await settle();
    expect(setup.network.socket.requests("publish").map(({ data }) => data)).toEqual(["a", "b"]);
  });

  it("writes nothing down again that an earlier page has left, and sends it before what is new", async () => {
    const shelf = new Shelf();
    const first = await page(shelf);
    first.hub.publish("t", "a").catch(() => undefined);
    await settle();
    await first.hub.close();

    const second = await page(shelf);
    void second.hub.publish("t", "b");
    await settle();
    shelf.isSlow = true;
    await second.network.socket.welcome();
    expect(second.network.socket.requests("publish").map(({ data }) => data)).toEqual(["a", "b"]);
  });

  it("forgets what an earlier page has left and the hub refuses for good, with nobody there to be told", async () => {
    const shelf = new Shelf();
    const first = await page(shelf);
    first.hub.publish("t", "a").catch(() => undefined);
    await settle();
    await first.hub.close();
    expect(shelf.kept.size).toBe(1);

    const second = await page(shelf);
    await second.network.socket.welcome();
    await second.network.socket.refuse("publish", "schema_violation");
    expect(shelf.kept.size).toBe(0);
  });

  it("keeps it anew when a refusal before it changes its sequence", async () => {
    const shelf = new Shelf();
    const setup = await page(shelf);
    const { socket } = setup.network;
    await socket.welcome();
    const refused = expect(setup.hub.publish("t", "a")).rejects.toMatchObject({ code: "schema_violation" });
    void setup.hub.publish("t", "b");
    await settle();
    const [a, b] = socket.requests("publish");
    if (a === undefined || b === undefined) throw new Error("Both were to be sent");
    await socket.refuse(a, "schema_violation");
    await socket.refuse(b, "out_of_sequence", { expected: 0 });
    await refused;
    await settle();
    expect([...shelf.kept.values()].map(({ sequence }) => sequence)).toEqual([0]);
    expect(socket.requests("publish").at(-1)).toMatchObject({ data: "b", producer: { sequence: 0 } });
  });
});
