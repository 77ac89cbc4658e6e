/** A TCP proxy between client and hub, so that a test can cut and starve connections at will. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface TcpProxy extends AsyncDisposable {
  /** `ws://127.0.0.1:<port>` */
  readonly wsUrl: string;
  /** Connections made so far. */
  readonly connections: number;
  /** Bytes that came from the hub, all connections together. */
  readonly receivedBytes: number;
  /** From now on nothing that the hub sends is passed on; what the client sends is. */
  muteHub(): void;
  /** Resets all connections; new ones pass everything again. */
  cut(): void;
}

/** Listens on a port of its own and passes everything on to `port`. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let connections = 0;
  let receivedBytes = 0;
  let isMute = false;

  const cut = (): void => {
    isMute = false;
    for (const [client, hub] of pairs) {
      client.resetAndDestroy();
      hub.destroy();
    }
    pairs.clear();
  };

  const server = createServer((client) => {
    connections++;
    const hub = connect(port, "127.0.0.1");
    const pair = [client, hub] as const;
    pairs.add(pair);
    // The hub serves only its own Host, port included (DNS rebinding).
    client.once("data", (head) => {
      hub.write(head.toString("latin1").replace(/^host: .*$/im, `Host: 127.0.0.1:${port}`), "latin1");
      client.on("data", (bytes) => hub.write(bytes));
    });
    hub.on("data", (bytes) => {
      receivedBytes += bytes.length;
      if (isMute) return;
      // Backpressure passes through, or the proxy would swallow what the client doesn't read.
      if (!client.write(bytes)) {
        hub.pause();
        client.once("drain", () => hub.resume());
      }
    });
    for (const [one, other] of [pair, [hub, client] as const]) {
      // Resets are what this is for; the end of one side ends the other.
      one.on("error", () => other.destroy());
      one.on("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    wsUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get receivedBytes() {
      return receivedBytes;
    },
    muteHub: () => {
      isMute = true;
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
