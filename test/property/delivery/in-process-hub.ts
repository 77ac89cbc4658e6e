/** A hub in the test's own process: a real log in a folder of its own, turns and time made by the test, sockets that a test can fill. */
import { DEFAULT_LIMITS, DEFAULT_TOPIC_CONFIG, type Limits } from "@ringcast/protocol";
import type { HubEvent } from "../../../server/src/hub/index.js";
import { createHub, type Frame, type Hub, type SendResult } from "../../../server/src/hub/index.js";
import { openLogStore, type LogStore } from "../../../server/src/log/index.js";
import { LocalSequencer } from "../../../server/src/sequencer/index.js";
import { createSessionFactory, type SessionFactory, type SessionOptions } from "../../../server/src/session/index.js";
import type { Socket, SocketHandler } from "../../../server/src/session/index.js";
import { MSGPACK_WIRE } from "../../support/binary-client.js";
import type { AnyFrame } from "../../support/frame-client.js";
import { tempDir } from "../../support/temp-dir.js";
import { ManualRuntime } from "../../support/manual-runtime.js";

/** A socket that says it is full when the test wants it to, and a client behind it. */
export class FakeClient implements Socket {
  readonly remoteAddress: string;
  /** Frames in the order they were sent. */
  readonly frames: AnyFrame[] = [];
  /** The very objects that were sent: the same one for all who share it. */
  readonly sent: Frame[] = [];
  writes = 0;
  pings = 0;
  closeCode: number | undefined;
  isCut = false;
  /** What the next write says. */
  nextResult: SendResult = "open";
  unsent = 0;
  handler: SocketHandler | undefined;

  readonly isBinary: boolean;

  constructor(remoteAddress: string, { isBinary }: { readonly isBinary: boolean }) {
    this.remoteAddress = remoteAddress;
    this.isBinary = isBinary;
  }

  send(frames: readonly Frame[], count: number): SendResult {
    if (this.nextResult === "closed" || this.closeCode !== undefined) return "closed";
    if (this.unsent > 0) throw new Error("The hub writes to a socket that is full");
    this.writes += 1;
    for (const frame of frames.slice(0, count)) {
      this.sent.push(frame);
      if (frame.binary !== this.isBinary) throw new Error("The hub writes in the other dialect");
      this.frames.push(this.#decode(Buffer.from(frame.bytes)));
      if (this.nextResult === "full") this.unsent += frame.bytes.length;
    }
    return this.nextResult;
  }

  bufferedBytes(): number {
    return this.unsent;
  }

  ping(): void {
    this.pings += 1;
  }

  close(code: number): void {
    this.closeCode ??= code;
  }

  terminate(): void {
    this.isCut = true;
    this.closeCode ??= 1006;
    this.handler?.closed(1006);
  }

  /** The peer has read everything. */
  drain(): void {
    this.nextResult = "open";
    this.unsent = 0;
    this.handler?.drain();
  }

  ask(request: object): void {
    const bytes = this.isBinary ? MSGPACK_WIRE.encode(request) : JSON.stringify(request);
    this.handler?.message(Buffer.from(bytes), this.isBinary);
  }

  #decode(bytes: Buffer): AnyFrame {
    return this.isBinary ? MSGPACK_WIRE.decode(bytes) : (JSON.parse(bytes.toString()) as AnyFrame);
  }

  /** Takes the frames that came. */
  take(): AnyFrame[] {
    return this.frames.splice(0);
  }
}

export interface InProcessHub extends AsyncDisposable {
  readonly runtime: ManualRuntime;
  readonly store: LogStore;
  readonly hub: Hub;
  readonly sessions: SessionFactory;
  readonly events: HubEvent[];
  /** A client that has had its `welcome`. */
  connect(remoteAddress?: string, dialect?: "json" | "msgpack"): FakeClient;
}

export async function startInProcess(
  limits: Partial<Limits> = {},
  options: Partial<SessionOptions> = {},
): Promise<InProcessHub> {
  const folder = tempDir();
  const runtime = new ManualRuntime();
  const store = await openLogStore({ directory: folder.path, runtime, onEvent: () => undefined });
  const events: HubEvent[] = [];
  const all = { ...DEFAULT_LIMITS, ...limits };
  const hub = createHub({
    store,
    sequencer: new LocalSequencer(),
    runtime,
    limits: {
      maxSubscriptions: all.maxSubscriptions,
      maxTopics: 1_000,
      maxInflight: all.maxInflight,
      maxInflightBytes: 1e6,
      maxTotalInflight: 1_000,
      maxTotalInflightBytes: 1e7,
    },
    defaultConfig: { ...DEFAULT_TOPIC_CONFIG, capacityBytes: 65_536, storage: "memory" },
    rules: [],
    autoCreateTopics: true,
    report: (event) => void events.push(event),
  });
  const sessions = createSessionFactory({
    hub,
    runtime,
    limits: all,
    server: "ringcast/0",
    instance: "test",
    tokens: undefined,
    authTimeoutMs: 10_000,
    stallTimeoutMs: 600_000,
    maxConnections: 2_000,
    maxConnectionsPerAddress: 0,
    limitLoopback: false,
    rates: { messagesPerSecond: 0, bytesPerSecond: 0, requestsPerSecond: 0 },
    ...options,
  });
  return {
    runtime,
    store,
    hub,
    sessions,
    events,
    connect: (remoteAddress = "127.0.0.1", dialect = "json") => {
      const client = new FakeClient(remoteAddress, { isBinary: dialect === "msgpack" });
      return connect(client, { sessions, runtime, subprotocol: `ringcast.v1.${dialect}` });
    },
    [Symbol.asyncDispose]: async () => {
      sessions.close();
      hub.close();
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

interface Dial {
  readonly sessions: SessionFactory;
  readonly runtime: ManualRuntime;
  readonly subprotocol: string;
}

function connect(client: FakeClient, { sessions, runtime, subprotocol }: Dial): FakeClient {
  const { remoteAddress } = client;
  const answer = sessions.handshake({ subprotocols: [subprotocol], authorization: undefined, remoteAddress });
  if (!answer.accept) throw answer.error;
  client.handler = answer.open(client);
  runtime.settle();
  client.take();
  return client;
}
