/** What Autobahn's cases are tried on: a transport with an application above it that sends every message back. */
import { createTransport, type Transport, type TransportName } from "../../../../server/src/transport/index.js";
import type { Frame, Socket, SocketHandler } from "../../../../server/src/session/socket.js";
import { optionsOfRig } from "../rig.js";

/** Autobahn's largest message. */
export const MAX_ECHO_BYTES = 16 * 1024 * 1024;

export interface Echo extends AsyncDisposable {
  readonly port: number;
}

/** @param port 0 picks a free one */
export async function openEcho(name: TransportName, port = 0): Promise<Echo> {
  const transport: Transport = await createTransport(
    name,
    { ...optionsOfRig, maxFrameBytes: MAX_ECHO_BYTES },
    {
      handshake: () => ({ accept: true, subprotocol: undefined, open: (socket) => new EchoHandler(socket) }),
      request: (exchange) => exchange.respond({ status: 426, headers: {}, body: "" }),
      refused: () => undefined,
    },
  );
  return {
    port: await transport.listen("127.0.0.1", port),
    [Symbol.asyncDispose]: () => transport.close(),
  };
}

class EchoHandler implements SocketHandler {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  message(bytes: Uint8Array, binary: boolean): void {
    // A copy: the bytes are lent for the call, and one adapter keeps by reference what the kernel doesn't take.
    const echoed: Frame = { bytes: bytes.slice(), binary, volatile: false };
    this.#socket.send([echoed], 1);
  }

  oversized(): void {
    this.#socket.close(1009, "");
  }

  alive(): void {}

  drain(): void {}

  closed(): void {}
}
