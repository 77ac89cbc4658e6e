/**
 * WebSocket frames as a server writes them (RFC 6455 section 5.2): unmasked, never fragmented.
 *
 *     | FIN, opcode (1) | length (1) | length (0, 2 or 8) | payload |
 */
import type { Frame } from "../../session/socket.js";

const FIN_TEXT = 0x81;
const FIN_BINARY = 0x82;
const LENGTH_IN_2 = 126;
const LENGTH_IN_8 = 127;

/**
 * The frame with its header, built once for all sockets that get it. It is a copy: Node keeps what the kernel didn't take
 * by reference, and the frame's own bytes may be overwritten after the turn.
 */
export function wireOf(frame: Frame): Uint8Array {
  return (frame.wire ??= encodeFrame(frame.bytes, frame.binary));
}

/** Cost: one copy of the payload. */
export function encodeFrame(payload: Uint8Array, isBinary: boolean): Uint8Array {
  const headerBytes = payload.length < LENGTH_IN_2 ? 2 : payload.length < 0x10000 ? 4 : 10;
  const wire = Buffer.allocUnsafe(headerBytes + payload.length);
  wire[0] = isBinary ? FIN_BINARY : FIN_TEXT;
  if (headerBytes === 2) {
    wire[1] = payload.length;
  } else if (headerBytes === 4) {
    wire[1] = LENGTH_IN_2;
    wire.writeUInt16BE(payload.length, 2);
  } else {
    wire[1] = LENGTH_IN_8;
    wire.writeUInt32BE(Math.floor(payload.length / 0x1_0000_0000), 2);
    wire.writeUInt32BE(payload.length >>> 0, 6);
  }
  wire.set(payload, headerBytes);
  return wire;
}
