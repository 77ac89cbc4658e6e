/** The transport over the package `ws`. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { platformRuntime } from "../runtime/platform.js";
import type { FrameData, TransportHandler, TransportSocket } from "./port.js";

/** What waits longer, or is more, goes out with the next frame, so that nobody has to wait for the end of a long turn. */
const MAX_WAIT_MS = 1;
const MAX_WAITING_BYTES = 65_536;

/**
 * Wires a socket that was just made to the handler.
 *
 * All frames of one turn of the event loop leave in one write: a write takes about 10 µs, five times as long as all else
 * that is done for a publish.
 */
export function adaptWs(socket: WebSocket, handler: TransportHandler): TransportSocket {
  let failure = "";
  let stream: Socket | undefined;
  let isCorked = false;
  let waitingBytes = 0;
  let waitsSinceMs = 0;

  const flush = (): void => {
    if (!isCorked) return;
    isCorked = false;
    stream?.uncork();
  };

  const cork = (): void => {
    isCorked = true;
    waitingBytes = 0;
    waitsSinceMs = platformRuntime.monotonicMs();
    stream?.cork();
    // After everything that runs in this turn, promises too.
    process.nextTick(flush);
  };

  socket.on("upgrade", ({ socket: upgraded }: IncomingMessage) => (stream = upgraded));
  // Not as `onmessage`, which makes an event of each; and not as an ArrayBuffer, which would be a copy of each.
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    const { buffer, byteOffset, length } = data;
    handler.received(isBinary ? new Uint8Array(buffer, byteOffset, length) : data.toString());
  });
  socket.on("error", ({ message }) => (failure = message));
  socket.on("close", (code, reason) => handler.closed(code, reason.toString() || failure));

  return {
    send: (data: FrameData) => {
      if (!isCorked) cork();
      waitingBytes += data.length;
      socket.send(data);
      if (waitingBytes >= MAX_WAITING_BYTES || platformRuntime.monotonicMs() - waitsSinceMs >= MAX_WAIT_MS) flush();
    },
    close: () => {
      flush();
      socket.close();
    },
  };
}
