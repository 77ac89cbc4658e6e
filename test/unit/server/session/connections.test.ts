import { describe, expect, it } from "vitest";
import { startInProcess, type FakeClient } from "../../../property/delivery/in-process-hub.js";

describe("the list of connections", () => {
  it("tells who is there, since when, and what went in and out", async () => {
    await using hub = await startInProcess();
    const client = hub.connect("192.0.2.7");
    const [before] = hub.sessions.connections(undefined, 10);
    client.ask({ op: "subscribe", id: 1, topic: "t" });
    hub.runtime.settle();
    hub.runtime.advance(300);

    const [after] = hub.sessions.connections(undefined, 10);

    expect(before).toMatchObject({ remoteAddress: "192.0.2.7", dialect: "json", subject: undefined, subscriptions: 0 });
    expect(before).toMatchObject({ receivedFrames: 0, receivedBytes: 0, bufferedBytes: 0, silentMs: 0 });
    expect(after).toMatchObject({ id: before?.id, since: before?.since, subscriptions: 1, silentMs: 300 });
    expect(after).toMatchObject({ receivedFrames: 1, receivedBytes: '{"op":"subscribe","id":1,"topic":"t"}'.length });
    expect(after?.sentBytes).toBe(client.sent.reduce((sum, { bytes }) => sum + bytes.length, 0));
  });

  it("comes in pages that miss nobody and repeat nobody while connections come and go", async () => {
    await using hub = await startInProcess();
    const clients = Array.from({ length: 10 }, () => hub.connect());
    const ids = hub.sessions.connections(undefined, 100).map(({ id }) => id);

    const first = hub.sessions.connections(undefined, 4).map(({ id }) => id);
    for (const at of [1, 3, 5]) clients[at]?.terminate();
    hub.connect();
    const second = hub.sessions.connections(first.at(-1), 4).map(({ id }) => id);
    const third = hub.sessions.connections(second.at(-1), 4).map(({ id }) => id);

    expect(first).toEqual(ids.slice(0, 4));
    expect(second).toEqual([4, 6, 7, 8].map((at) => ids[at]));
    expect([third[0], third.length]).toEqual([ids[9], 2]);
  });

  it.each(["", "x", "1-short", "-aaaaaaaaaaaa", "__proto__"])("refuses %j as a place to go on", async (after) => {
    await using hub = await startInProcess();

    expect(() => hub.sessions.connections(after, 1)).toThrow(expect.objectContaining({ code: "bad_request" }));
    expect([hub.sessions.connection(after), hub.sessions.disconnect(after, "x")]).toEqual([undefined, false]);
  });

  it("names them as their welcome did", async () => {
    await using hub = await startInProcess();
    const client = hub.connect();
    const welcome = JSON.parse(Buffer.from(client.sent[0]?.bytes ?? []).toString()) as { connection: string };

    expect(hub.sessions.connection(welcome.connection)?.id).toBe(welcome.connection);
  });
});

describe("disconnecting one", () => {
  it("tells it why, closes it with 1008, and leaves the others", async () => {
    await using hub = await startInProcess();
    const [one, other] = [hub.connect(), hub.connect()];
    const [report] = hub.sessions.connections(undefined, 1);

    const found = hub.sessions.disconnect(report?.id ?? "", "The operator closed this connection.");
    const error = one.take();
    one.terminate();

    expect(found).toBe(true);
    expect(error).toEqual([{ op: "error", code: "forbidden", message: "The operator closed this connection." }]);
    expect([one.closeCode, other.closeCode]).toEqual([1008, undefined]);
    expect(hub.sessions.connections(undefined, 10)).toHaveLength(1);
  });
});

describe("a token that no longer counts", () => {
  it("closes with 4401 whoever came with it, and nobody else", async () => {
    const identities = new Map([
      ["old", { subject: "ann", expires: null }],
      ["new", { subject: "bob", expires: null }],
    ]);
    await using hub = await startInProcess({}, { tokens: { verify: (token) => identities.get(token) } });
    const clients = [hub.connect(), hub.connect(), hub.connect()] as [FakeClient, FakeClient, FakeClient];
    clients[0].ask({ op: "auth", id: 1, token: "old" });
    clients[1].ask({ op: "auth", id: 1, token: "new" });

    hub.sessions.revoke((identity) => identity.subject === "bob");

    expect(clients.map(({ closeCode }) => closeCode)).toEqual([4401, undefined, undefined]);
    expect(clients[0].take().at(-1)).toMatchObject({ op: "error", code: "unauthorized" });
  });
});
