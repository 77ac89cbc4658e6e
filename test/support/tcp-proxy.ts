/** A TCP proxy between client and hub, so that a test can cut, starve, delay and crumble connections at will. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface TcpProxy extends AsyncDisposable {
  /** `ws://127.0.0.1:<port>` */
  readonly wsUrl: string;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Connections made so far. */
  readonly connections: number;
  /** Bytes that came from the hub, all connections together. */
  readonly receivedBytes: number;
  /** From now on nothing that the hub sends is passed on; what the client sends is. */
  muteHub(): void;
  /** The other way round: the client is heard by nobody, and hears the hub. */
  muteClients(): void;
  /** From now on everything arrives so much later, in both directions; 0 ends it. */
  delay(ms: number): void;
  /** From now on everything arrives in pieces of at most so many bytes; Infinity ends it. */
  crumble(pieceBytes: number): void;
  /** Resets all connections; new ones pass everything again, at once and whole. */
  cut(): void;
}

/** What is done to everything that passes. */
interface Weather {
  isHubMute: boolean;
  areClientsMute: boolean;
  delayMs: number;
  pieceBytes: number;
}

const FAIR: Readonly<Weather> = { isHubMute: false, areClientsMute: false, delayMs: 0, pieceBytes: Infinity };

/**
 * Listens on a port of its own and passes everything on.
 *
 * @param hubPort asked at each connection, for a hub that comes back elsewhere
 */
export async function startTcpProxy(hubPort: number | (() => number)): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const weather: Weather = { ...FAIR };
  let connections = 0;
  let receivedBytes = 0;

  const cut = (): void => {
    Object.assign(weather, FAIR);
    for (const [client, hub] of pairs) {
      client.resetAndDestroy();
      hub.destroy();
    }
    pairs.clear();
  };

  const server = createServer((client) => {
    connections++;
    const port = typeof hubPort === "number" ? hubPort : hubPort();
    const hub = connect(port, "127.0.0.1");
    const pair = [client, hub] as const;
    pairs.add(pair);
    const [up, down] = [new Lane(client, hub, weather), new Lane(hub, client, weather)];
    // The hub serves only its own Host, port included (DNS rebinding).
    client.once("data", (head) => {
      up.pass(Buffer.from(head.toString("latin1").replace(/^host: .*$/im, `Host: 127.0.0.1:${port}`), "latin1"));
      client.on("data", (bytes) => {
        if (!weather.areClientsMute) up.pass(bytes);
      });
    });
    hub.on("data", (bytes) => {
      receivedBytes += bytes.length;
      if (!weather.isHubMute) down.pass(bytes);
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
  const { port } = server.address() as AddressInfo;
  return {
    wsUrl: `ws://127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    get receivedBytes() {
      return receivedBytes;
    },
    muteHub: () => void (weather.isHubMute = true),
    muteClients: () => void (weather.areClientsMute = true),
    delay: (ms) => void (weather.delayMs = ms),
    crumble: (pieceBytes) => void (weather.pieceBytes = pieceBytes),
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** One direction of a connection. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Readonly<Weather>;
  /** Under way, oldest first: nothing overtakes, however the weather changes and whichever timer comes first. */
  readonly #underWay: Buffer[] = [];
  /** When the newest of them arrives. */
  #arrivesMs = 0;

  constructor(from: Socket, to: Socket, weather: Readonly<Weather>) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    // Each piece is a packet of its own.
    to.setNoDelay(true);
  }

  pass(bytes: Buffer): void {
    const now = performance.now();
    this.#arrivesMs = Math.max(now + this.#weather.delayMs, this.#underWay.length > 0 ? this.#arrivesMs : 0);
    if (this.#arrivesMs <= now && this.#underWay.length === 0) {
      this.#write(bytes);
      return;
    }
    this.#underWay.push(bytes);
    setTimeout(() => this.#write(this.#underWay.shift() as Buffer), this.#arrivesMs - now);
  }

  #write(bytes: Buffer): void {
    const { pieceBytes } = this.#weather;
    let isTaken = true;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      isTaken = this.#to.write(bytes.subarray(at, Math.min(bytes.length, at + pieceBytes)));
    }
    if (isTaken || this.#to.destroyed) return;
    // Backpressure passes through, or the proxy would swallow what the client doesn't read.
    this.#from.pause();
    this.#to.once("drain", () => this.#from.resume());
  }
}
