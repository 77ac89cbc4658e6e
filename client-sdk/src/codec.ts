/**
 * The codec turns operations into frames and frames into operations; which one is used is an option of `connect`.
 */
import type { HubFrame } from "@ringcast/protocol";
import type { FrameData } from "./transport/port.js";

/** A request as the SDK makes it: the fields of the wire contract, without what the user published. */
export interface Operation {
  readonly op: string;
  readonly [field: string]: unknown;
}

export interface Codec {
  /** Subprotocol to offer, e.g. `ringcast.v1.json`. */
  readonly subprotocol: string;
  /**
   * Encodes the fields of a publish that the user gave: `data`, `key`, `headers`, or `messages`. Done at once, so that
   * the user may change the objects while the publish waits, and so that a repeated publish has the same bytes.
   */
  encodeBody(fields: object): FrameData;
  /** A whole request; `body` is what {@link encodeBody} returned. */
  encode(operation: Operation, body?: FrameData): FrameData;
  /**
   * The operation in a frame of the hub.
   *
   * @returns undefined for an operation that this version doesn't know
   * @throws where it can't be understood; the connection is then made anew
   */
  decode(frame: FrameData): HubFrame | undefined;
}
