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
  /** From now on everything arrives in packets of at most so many bytes; Infinity ends it. */
  crumble(packetBytes: number): void;
  /** From now on each direction of each connection passes so many bytes a second; Infinity ends it. */
  throttle(bytesPerSecond: number): void;
  /** From now on each connection, new ones too, is reset when so many more bytes have passed in one of its directions; Infinity ends it. */
  cutAfter(bytes: number): void;
  /** Resets all connections, for the hub in good order; new ones pass everything again, at once and whole. */
  cut(): void;
  /** The same, and the hub's side is reset as well. */
  reset(): void;
  /** Every client's side is reset and the hub is told nothing: its connections stay, nobody reads them, nothing comes. Until `cut` or `reset`. New ones pass. */
  loseClients(): void;
  /** The other way round: the hub's side is reset and no client is told. */
  loseHub(): void;
}

/** What is done to everything that passes. */
interface Weather {
  isHubMute: boolean;
  areClientsMute: boolean;
  delayMs: number;
  packetBytes: number;
  bytesPerSecond: number;
  cutAfterBytes: number;
}

const FAIR: Readonly<Weather> = {
  isHubMute: false,
  areClientsMute: false,
  delayMs: 0,
  packetBytes: Infinity,
  bytesPerSecond: Infinity,
  cutAfterBytes: Infinity,
};

/**
 * Listens on a port of its own and passes everything on.
 *
 * @param hubPort asked at each connection, for a hub that comes back elsewhere
 */
export async function startTcpProxy(hubPort: number | (() => number)): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const weather: Weather = { ...FAIR };
  let connections = 0;
  let receivedBytes = 0;
  const server = createServer((client) => {
    connections++;
    const pair = new Pair(client, typeof hubPort === "number" ? hubPort : hubPort(), weather);
    pair.onReceived = (bytes) => (receivedBytes += bytes);
    pair.onGone = () => pairs.delete(pair);
    pairs.add(pair);
  });
  const end = (how: (pair: Pair) => void): void => {
    Object.assign(weather, FAIR);
    for (const pair of [...pairs]) how(pair);
  };
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
    crumble: (packetBytes) => void (weather.packetBytes = packetBytes),
    throttle: (bytesPerSecond) => void (weather.bytesPerSecond = bytesPerSecond),
    cutAfter: (bytes) => {
      weather.cutAfterBytes = bytes;
      for (const pair of pairs) pair.count();
    },
    cut: () => end((pair) => pair.cut()),
    reset: () => end((pair) => pair.reset()),
    loseClients: () => {
      for (const pair of pairs) pair.lose("client");
    },
    loseHub: () => {
      for (const pair of pairs) pair.lose("hub");
    },
    [Symbol.asyncDispose]: async () => {
      end((pair) => pair.cut());
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A connection: the client's socket and the one to the hub. */
class Pair {
  onReceived: (bytes: number) => void = () => {};
  onGone: () => void = () => {};
  readonly #client: Socket;
  readonly #hub: Socket;
  readonly #lanes: readonly [Lane, Lane];
  #isHalfOpen = false;

  constructor(client: Socket, hubPort: number, weather: Readonly<Weather>) {
    const hub = connect(hubPort, "127.0.0.1");
    this.#client = client;
    this.#hub = hub;
    const reset = (): void => this.reset();
    const [up, down] = [new Lane(client, hub, weather, reset), new Lane(hub, client, weather, reset)];
    this.#lanes = [up, down];
    // The hub serves only its own Host, port included (DNS rebinding).
    client.once("data", (head) => {
      up.pass(Buffer.from(head.toString("latin1").replace(/^host: .*$/im, `Host: 127.0.0.1:${hubPort}`), "latin1"));
      client.on("data", (bytes) => {
        if (!weather.areClientsMute) up.pass(bytes);
      });
    });
    hub.on("data", (bytes) => {
      this.onReceived(bytes.length);
      if (!weather.isHubMute) down.pass(bytes);
    });
    for (const [one, other] of [[client, hub] as const, [hub, client] as const]) {
      // Resets are what this is for; the end of one side ends the other.
      one.on("error", () => this.#end(other));
      one.on("close", () => this.#end(other));
    }
  }

  cut(): void {
    this.#isHalfOpen = false;
    this.#client.resetAndDestroy();
    this.#hub.destroy();
    this.onGone();
  }

  reset(): void {
    this.#isHalfOpen = false;
    this.#client.resetAndDestroy();
    this.#hub.resetAndDestroy();
    this.onGone();
  }

  /** One side is gone, and the other isn't told. */
  lose(side: "client" | "hub"): void {
    const [gone, left] = side === "client" ? [this.#client, this.#hub] : [this.#hub, this.#client];
    this.#isHalfOpen = true;
    for (const lane of this.#lanes) lane.stop();
    gone.resetAndDestroy();
    left.pause();
  }

  /** Counts the bytes until the cut from now on. */
  count(): void {
    for (const lane of this.#lanes) lane.passedBytes = 0;
  }

  #end(other: Socket): void {
    if (this.#isHalfOpen && !other.destroyed) return;
    other.destroy();
    this.onGone();
  }
}

/** What a lane holds before its sender has to wait. */
const MOST_UNDER_WAY_BYTES = 65_536;
/** A throttled lane passes something so often. */
const THROTTLE_STEP_MS = 50;

/** One direction of a connection. */
class Lane {
  /** Since the count towards a cut began. */
  passedBytes = 0;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Readonly<Weather>;
  readonly #cut: () => void;
  /** Under way, oldest first: nothing overtakes, however the weather changes and whichever timer comes first. */
  readonly #underWay: { bytes: Buffer; readonly arrivesMs: number }[] = [];
  #underWayBytes = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isBlocked = false;
  #isStopped = false;

  constructor(from: Socket, to: Socket, weather: Readonly<Weather>, cut: () => void) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    this.#cut = cut;
    // Each piece is a packet of its own.
    to.setNoDelay(true);
    // Backpressure passes through, or the proxy would swallow what the client doesn't read.
    to.on("drain", () => {
      this.#isBlocked = false;
      this.#resume();
    });
  }

  pass(bytes: Buffer): void {
    this.#underWay.push({ bytes, arrivesMs: performance.now() + this.#weather.delayMs });
    this.#underWayBytes += bytes.length;
    this.#advance();
    if (this.#isBlocked || this.#underWayBytes > MOST_UNDER_WAY_BYTES) this.#from.pause();
  }

  /** Passes nothing more, and takes nothing. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Passes on what has arrived by now, and comes back for the rest. */
  #advance(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    for (let first = this.#underWay[0]; first !== undefined; first = this.#underWay[0]) {
      const waitMs = first.arrivesMs - performance.now();
      if (waitMs > 0) {
        this.#advanceIn(waitMs);
        return;
      }
      const share = Math.max(1, Math.floor((this.#weather.bytesPerSecond * THROTTLE_STEP_MS) / 1_000));
      const piece = first.bytes.subarray(0, share);
      this.#underWayBytes -= piece.length;
      if (piece.length === first.bytes.length) this.#underWay.shift();
      else first.bytes = first.bytes.subarray(piece.length);
      this.#write(piece);
      if (share < Infinity) {
        this.#advanceIn(THROTTLE_STEP_MS);
        return;
      }
    }
  }

  #advanceIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#advance();
      this.#resume();
    }, ms);
  }

  #resume(): void {
    const mayGoOn = !this.#isBlocked && !this.#isStopped && this.#underWayBytes <= MOST_UNDER_WAY_BYTES;
    if (mayGoOn && !this.#from.destroyed) this.#from.resume();
  }

  #write(bytes: Buffer): void {
    const { packetBytes, cutAfterBytes } = this.#weather;
    const left = cutAfterBytes - this.passedBytes;
    const passing = bytes.subarray(0, Math.max(0, left));
    for (let at = 0; at < passing.length; at += packetBytes) {
      this.#isBlocked = !this.#to.write(passing.subarray(at, Math.min(passing.length, at + packetBytes)));
    }
    this.passedBytes += passing.length;
    // What was written leaves before the reset.
    if (bytes.length >= left) this.#to.write("", () => this.#cut());
  }
}
