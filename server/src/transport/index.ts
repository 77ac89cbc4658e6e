/**
 * The door of the transport: picks the adapter that this machine can run.
 */
import { RingcastError } from "@ringcast/protocol";
import type { Transport, TransportHandlers, TransportName, TransportOptions } from "./port.js";
import { loadUws } from "./uws/library.js";
import { UwsTransport } from "./uws/transport.js";
import { WsTransport } from "./ws/transport.js";

export type {
  Handshake,
  HandshakeAnswer,
  Transport,
  TransportHandlers,
  TransportName,
  TransportOptions,
} from "./port.js";
export { isSameTls, readTlsFiles, type TlsFiles } from "./tls.js";

/** What can be asked for; `auto` takes uWebSockets.js where it loads, else ws. */
export type TransportChoice = TransportName | "auto";

/**
 * Makes a transport; it doesn't listen yet.
 *
 * @throws RingcastError `bad_request` with `details.field` `transport` when uWebSockets.js is asked for and can't be loaded
 */
export async function createTransport(
  choice: TransportChoice,
  options: TransportOptions,
  handlers: TransportHandlers,
): Promise<Transport> {
  if (choice === "ws") return new WsTransport(options, handlers);
  const library = await loadUws(options.maxHeaderBytes);
  if (!(library instanceof Error)) return new UwsTransport(library, options, handlers);
  if (choice === "auto") return new WsTransport(options, handlers);
  throw notLoadable(library);
}

function notLoadable(cause: Error): RingcastError {
  const runtime = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  const message =
    `transport 'uws' can't be loaded by ${runtime}: use Node 20 or 22 with glibc, ` +
    `install a build of uWebSockets.js for this Node, or set transport to 'auto' or 'ws'.`;
  return new RingcastError("bad_request", message, { field: "transport" }, { cause });
}
