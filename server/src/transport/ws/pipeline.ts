/**
 * What is under way on a connection of node:http. Node carries out everything that came in one packet before it looks at how
 * its answers fare: requests behind one that was refused, and thousands whose answers nobody reads.
 */
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Requests of one connection that may wait for their answers; one more and the connection is cut. */
const MAX_PIPELINED = 100;

interface Pipeline {
  /** Answers that aren't out yet. */
  waiting: number;
  latest: ServerResponse;
  /** The last answer has been given: nothing that came behind its request counts. */
  isEnding: boolean;
}

const pipelines = new WeakMap<Duplex, Pipeline>();

/**
 * Takes note of a request.
 *
 * @returns whether it may be handled; the connection is as good as closed otherwise
 */
export function enterPipeline(connection: Duplex, response: ServerResponse): boolean {
  const pipeline = pipelines.get(connection) ?? { waiting: 0, latest: response, isEnding: false };
  pipelines.set(connection, pipeline);
  if (pipeline.isEnding) return false;
  if (pipeline.waiting === MAX_PIPELINED) {
    pipeline.isEnding = true;
    connection.destroy();
    return false;
  }
  pipeline.waiting++;
  pipeline.latest = response;
  response.once("close", () => pipeline.waiting--);
  return true;
}

/** The answer being given is the last one of its connection. */
export function endPipeline(connection: Duplex): void {
  const pipeline = pipelines.get(connection);
  if (pipeline !== undefined) pipeline.isEnding = true;
}

/** Whether a request of the connection waits for its answer. */
export function isServing(connection: Duplex): boolean {
  return (pipelines.get(connection)?.waiting ?? 0) > 0;
}

/** Whether text of ours, written to the socket past Node, would land inside or behind an answer. */
export function isAnswering(connection: Duplex): boolean {
  const pipeline = pipelines.get(connection);
  if (pipeline === undefined) return false;
  return pipeline.isEnding || (pipeline.latest.headersSent && !pipeline.latest.writableFinished);
}
