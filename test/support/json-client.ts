/** A client of the JSON dialect written from the wire contract alone: knows `ws` and JSON, nothing of the SDK. */
import { FrameClient, type AnyFrame, type ClientOptions, type Wire } from "./frame-client.js";

export type { AnyFrame, AnyMessage, ClientOptions as JsonClientOptions } from "./frame-client.js";

/** How the JSON dialect's frames become bytes and back. */
export const JSON_WIRE: Wire = {
  subprotocol: "ringcast.v1.json",
  encode: (frame) => JSON.stringify(frame),
  decode: (bytes) => JSON.parse(bytes.toString()) as AnyFrame,
};

export class JsonClient extends FrameClient {
  private constructor(url: string, options: ClientOptions) {
    super(url, options, JSON_WIRE);
  }

  /** Connects and takes the `welcome`. */
  static async connect(url: string, options: ClientOptions = {}): Promise<JsonClient> {
    return (await JsonClient.open(url, options)).welcomed();
  }

  /** Connects and reads nothing. Rejects with the handshake's error. */
  static async open(url: string, options: ClientOptions = {}): Promise<JsonClient> {
    return new JsonClient(url, options).opened();
  }
}
