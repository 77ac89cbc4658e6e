/** Requests to a NATS server, for what has to be there before it is measured. */
import { once } from "node:events";
import { connect } from "node:net";
import type { ApiRequest } from "./wires/jetstream.js";

/**
 * Sends them all, and waits for as many answers.
 * @throws Error with the answer when one is refused
 */
export async function requestNats(port: number, requests: readonly ApiRequest[]): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    const lines = requests.map(
      ({ subject, body }) => `PUB ${subject} answers ${Buffer.byteLength(body)}\r\n${body}\r\n`,
    );
    socket.write(`CONNECT {"verbose":false,"pedantic":false}\r\nSUB answers 1\r\n${lines.join("")}`);
    let text = "";
    for await (const piece of socket.setEncoding("latin1") as AsyncIterable<string>) {
      text += piece;
      if (/"error":|-ERR/.test(text)) throw new Error(`NATS refused a request: ${text}`);
      if (text.split('"type":"io.nats.jetstream').length > requests.length) return;
    }
    throw new Error(`NATS ended the connection: ${text}`);
  } finally {
    socket.destroy();
  }
}
