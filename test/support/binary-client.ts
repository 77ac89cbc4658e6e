/** A client of the binary dialect written from the wire contract alone: knows `ws` and `msgpackr`, nothing of the SDK. */
import { Packr } from "msgpackr";
import { publishFrame, readDelivery, readMessage, readRecords, unpack, type PublishDraft } from "./batch-frame.js";
import { FrameClient, type AnyFrame, type ClientOptions, type Wire } from "./frame-client.js";

const packr = new Packr({ useRecords: false, variableMapSize: true });

/** How the binary dialect's frames become bytes and back. */
export const MSGPACK_WIRE: Wire = {
  subprotocol: "ringcast.v1.msgpack",
  encode: (frame) => packr.pack(frame),
  decode,
};

/** Frames look as they do in the JSON dialect; deliveries have `records` beside `messages`. */
export class BinaryClient extends FrameClient {
  private constructor(url: string, options: ClientOptions) {
    super(url, options, MSGPACK_WIRE);
  }

  /** Connects and takes the `welcome`. */
  static async connect(url: string, options: ClientOptions = {}): Promise<BinaryClient> {
    return (await BinaryClient.open(url, options)).welcomed();
  }

  /** Connects and reads nothing. Rejects with the handshake's error. */
  static async open(url: string, options: ClientOptions = {}): Promise<BinaryClient> {
    return new BinaryClient(url, options).opened();
  }

  /** Publishes by a batch frame. */
  publish(draft: Omit<PublishDraft, "id">): Promise<AnyFrame> {
    return this.exchange((id) => publishFrame({ ...draft, id }));
  }
}

function decode(bytes: Buffer): AnyFrame {
  if (bytes[0] === 0xc1) return readDelivery(bytes) as AnyFrame;
  const frame = unpack(bytes) as AnyFrame;
  if (frame.op !== "history") return frame;
  return { ...frame, messages: readRecords(frame.messages as unknown as Buffer).map(readMessage) } as AnyFrame;
}
