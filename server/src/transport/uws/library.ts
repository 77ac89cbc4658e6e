/**
 * Loads uWebSockets.js, which is there only where somebody built it: a native module for some versions of Node.
 */
import type * as uWebSockets from "uWebSockets.js";

export type UwsLibrary = Pick<typeof uWebSockets, "App" | "SSLApp" | "us_listen_socket_close" | "us_socket_local_port">;

/** uWebSockets.js reads this once, when it is loaded, and takes 4 KiB otherwise: too little for a browser's cookies of localhost. */
const HEADER_LIMIT_VARIABLE = "UWS_HTTP_MAX_HEADERS_SIZE";

let loading: Promise<UwsLibrary | Error> | undefined;

/**
 * @param maxHeaderBytes header block of a request; holds for the whole process, the first caller decides
 * @returns the library, or the reason why it can't be had
 */
export function loadUws(maxHeaderBytes: number): Promise<UwsLibrary | Error> {
  return (loading ??= load(maxHeaderBytes));
}

async function load(maxHeaderBytes: number): Promise<UwsLibrary | Error> {
  // Not what somebody else's environment says: the setting is the hub's.
  process.env[HEADER_LIMIT_VARIABLE] = String(maxHeaderBytes);
  try {
    return await import("uWebSockets.js");
  } catch (error) {
    // Not installed, no binary for this Node, or a C library that is too old: each of them means "take the other one".
    return error instanceof Error ? error : new Error(String(error));
  }
}
