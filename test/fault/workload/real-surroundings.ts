/** Real sockets and the real clock, for {@link Surroundings}. */
import { BinaryClient } from "../../support/binary-client.js";
import { EventReader } from "../../support/event-reader.js";
import { JsonClient } from "../../support/json-client.js";
import { HttpRequests, readPage } from "./http-requests.js";
import type { Surroundings } from "./surroundings.js";

/**
 * @param hub where it listens: `http://…` and `ws://…`
 * @param host what it is called in requests: a proxy before it sees to that only in the first one of a connection
 */
export function realSurroundings(hub: { readonly url: string; readonly wsUrl: string }, host: string): Surroundings {
  return {
    nowMs: () => performance.now(),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    retryMs: 20,
    connect: (dialect) =>
      (dialect === "json" ? JsonClient : BinaryClient).connect(`${hub.wsUrl}/v1/ws`).catch(() => undefined),
    http: {
      open: () => HttpRequests.open(hub.url, host).catch(() => undefined),
      page: (path) => readPage(hub.url, path).catch(() => undefined),
    },
    // Else users of the SDK stand aside after a few faults in a row.
    sdk: { url: hub.wsUrl, options: { maxRetryMs: 500 } },
    openEvents: async (topic, lastEventId) => {
      const headers = lastEventId === "" ? {} : { "Last-Event-ID": lastEventId };
      const url = `${hub.url}/v1/topics/${topic}/events?from=earliest`;
      const stream = await EventReader.open(url, headers).catch(() => undefined);
      if (stream === undefined || stream.status === 200) return stream;
      stream[Symbol.dispose]();
      return undefined;
    },
  };
}
