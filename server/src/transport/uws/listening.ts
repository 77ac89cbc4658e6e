/**
 * Listens with uWebSockets.js, which would share a port that is in use in silence (SO_REUSEPORT).
 */
import { createServer, type AddressInfo } from "node:net";
import type * as uWebSockets from "uWebSockets.js";
import { addressRefused } from "../listen-error.js";
import type { UwsLibrary } from "./library.js";

/**
 * Its backlog is 512: in a storm of 5,000 dials some wait seconds for their SYN to be sent again. Eight sockets on
 * the port brought 3.2 s down to 0.28.
 */
const LISTEN_SOCKETS = process.platform === "linux" ? 8 : 1;
/** Another process may take the port between the trial and the listening; port 0 is tried anew as often as this. */
const ATTEMPTS = 5;

export interface Listening {
  /** What the host's name stood for. */
  readonly address: string;
  readonly port: number;
  readonly sockets: readonly uWebSockets.us_listen_socket[];
}

/**
 * @param port 0 picks a free one
 * @throws RingcastError `unavailable` with the system's code in `details.reason`
 */
export async function listenAlone(
  library: UwsLibrary,
  app: uWebSockets.TemplatedApp,
  host: string,
  port: number,
): Promise<Listening> {
  for (let attempt = 1; ; attempt++) {
    const free = await tryExclusively(host, port);
    const sockets = listenBeside(library, app, free);
    if (sockets !== undefined) return { address: free.address, port: free.port, sockets };
    if (port !== 0 || attempt === ATTEMPTS) throw addressRefused(host, free.port, "EADDRINUSE");
  }
}

/**
 * Listens where this process listens already, or where nobody does.
 * @returns undefined when the address could not be had
 */
export function listenBeside(
  library: UwsLibrary,
  app: uWebSockets.TemplatedApp,
  place: Pick<Listening, "address" | "port">,
): readonly uWebSockets.us_listen_socket[] | undefined {
  const sockets = listenMany(app, place);
  if (sockets.length === LISTEN_SOCKETS) return sockets;
  for (const socket of sockets) library.us_listen_socket_close(socket);
  return undefined;
}

/** Listens as only one can, and lets go again. @returns the address that the host's name stands for, and the port */
function tryExclusively(host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => reject(addressRefused(host, port, error.code, error)));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address() as AddressInfo;
      server.close(() => resolve(address));
    });
  });
}

function listenMany(
  app: uWebSockets.TemplatedApp,
  { address, port }: Pick<Listening, "address" | "port">,
): uWebSockets.us_listen_socket[] {
  const sockets: uWebSockets.us_listen_socket[] = [];
  for (let count = 0; count < LISTEN_SOCKETS; count++) {
    // Called back before listen() returns.
    app.listen(address, port, (socket) => {
      if (socket !== false) sockets.push(socket);
    });
  }
  return sockets;
}
