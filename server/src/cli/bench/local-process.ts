/** Which process of this machine listens on a port, from /proc (Linux). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** State of a socket that listens, as /proc/net/tcp writes it. */
const LISTENING = "0A";

/** @returns undefined where none does, or it belongs to somebody else, or this is no Linux */
export function findListener(port: number): number | undefined {
  const sockets = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => listeningSockets(path, port)));
  if (sockets.size === 0) return undefined;
  const pids = readNames("/proc").filter((name) => /^\d+$/.test(name));
  const pid = pids.find((each) =>
    readNames(`/proc/${each}/fd`).some((file) => sockets.has(readLink(`/proc/${each}/fd/${file}`))),
  );
  return pid === undefined ? undefined : Number(pid);
}

/** As links in /proc/<pid>/fd name them. */
function listeningSockets(path: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = unlessHidden(() => readFileSync(path, "utf8"), "").split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === LISTENING)
    .map((fields) => `socket:[${fields[9] ?? ""}]`);
}

function readNames(path: string): string[] {
  return unlessHidden(() => readdirSync(path), []);
}

function readLink(path: string): string {
  return unlessHidden(() => readlinkSync(path), "");
}

/** Processes and their files go away, and those of others are hidden. */
function unlessHidden<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return otherwise;
    throw error;
  }
}
