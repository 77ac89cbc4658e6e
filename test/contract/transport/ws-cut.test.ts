/** What becomes of a connection of the ws library that is cut while its peer goes on sending. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { MAX_PINGS_PER_SECOND, PingMeter } from "../../../server/src/transport/limits.js";
import { dialWebSocket, maskedFrame, readFrames } from "../../support/raw-client.js";
import { openRig } from "./rig.js";

const CLOSE = 8;
const PONG = 10;
const PROTOCOL_ERROR = 1002;
/** More than is read at once. */
const MORE = maskedFrame({ opcode: 2 }, Buffer.alloc(200_000));
const PEERS = 20;

afterEach(() => void vi.restoreAllMocks());

describe("a connection over ws", () => {
  it("that was cut for its pongs is read no further, though the same packet holds more", async () => {
    await using rig = await openRig("ws");
    const count = vi.spyOn(PingMeter.prototype, "count");
    using client = await dialWebSocket(rig.port);
    const pong = maskedFrame({ opcode: PONG });
    client.send(Buffer.concat(Array<Buffer>(10 * MAX_PINGS_PER_SECOND).fill(pong)));
    await client.closed();

    const read = count.mock.calls.length;
    expect(read).toBeGreaterThan(MAX_PINGS_PER_SECOND);
    // Where the packet came in pieces and a new second began between them, the first ones don't count.
    expect(read).toBeLessThanOrEqual(2 * MAX_PINGS_PER_SECOND + 1);
  });

  it(`that broke the protocol and goes on sending reads why: ${PEERS} of ${PEERS}`, async () => {
    await using rig = await openRig("ws");
    const codes: (number | undefined)[] = [];
    while (codes.length < PEERS) {
      using client = await dialWebSocket(rig.port);
      client.send(Buffer.concat([maskedFrame({ opcode: CLOSE, fin: false }, "ab"), MORE]));
      for (let packet = 0; packet < 20; packet++) {
        await new Promise((resolve) => setImmediate(resolve));
        client.send(MORE);
      }
      await client.closed();
      codes.push(
        readFrames(client.received)
          .find(({ opcode }) => opcode === CLOSE)
          ?.payload.readUInt16BE(),
      );
    }

    expect(codes).toEqual(Array<number>(PEERS).fill(PROTOCOL_ERROR));
  });

  it("that broke the protocol and never hangs up is cut a second later", async () => {
    await using rig = await openRig("ws");
    using client = await dialWebSocket(rig.port);
    client.socket.pause();
    const told = await rig.socket();
    client.send(maskedFrame({ opcode: CLOSE, fin: false }, "ab"));
    const begun = performance.now();
    await vi.waitUntil(() => told.closedWith.length > 0, { timeout: 5_000 });

    expect(performance.now() - begun).toBeLessThan(3_000);
  });
});
