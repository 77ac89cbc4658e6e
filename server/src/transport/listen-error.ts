import { RingcastError } from "@ringcast/protocol";

/**
 * The error of a listen that failed.
 *
 * @param reason the system's code, e.g. `EADDRINUSE`; kept in `details.reason`
 */
export function addressRefused(host: string, port: number, reason = "unknown", cause?: unknown): RingcastError {
  const message = `Can't listen on ${host}:${port}: ${sentence(reason)}`;
  return new RingcastError("unavailable", message, { reason, host, port }, { cause });
}

function sentence(reason: string): string {
  switch (reason) {
    case "EADDRINUSE":
      return "the port is in use. Stop the program that has it, or choose another port.";
    case "EACCES":
      return "not permitted. Choose a port above 1023.";
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "this machine has no such address. Choose another host.";
    default:
      return `${reason}.`;
  }
}
