/** WebSocket frames as a client reads and writes them (RFC 6455, section 5.2), without an object per frame. */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Longest head of a frame that we send. */
export const MAX_HEAD_BYTES = 14;

/** What {@link FrameReader} finds. */
export interface FrameHandler {
  /** A whole message stands from `start` to `end - 1`. */
  message(bytes: Uint8Array, start: number, end: number): void;
  /**
   * The beginning of a message that isn't whole yet.
   * @returns whether it has been understood already, so that the rest of it can be skipped
   */
  skim(bytes: Uint8Array, start: number, end: number): boolean;
  /** Any other frame. */
  control(opcode: number, bytes: Uint8Array, start: number, end: number): void;
  /** The bytes can't be understood. */
  broken(reason: string): void;
}

/** Takes a connection's bytes apart. */
export class FrameReader {
  /** Bytes of a message that was skimmed, still to come. */
  #toSkip = 0;
  /** Parts of a message that comes in fragments. */
  #fragments: Uint8Array[] = [];
  /** Bytes of a frame whose parts are handed out as they come, still to come. */
  #partLeft = 0;
  readonly #takesParts: boolean;

  /** @param takesParts every part of a data frame is handed out as a message */
  constructor({ takesParts = false }: { readonly takesParts?: boolean } = {}) {
    this.#takesParts = takesParts;
  }

  /** @returns place behind the last byte that was used up; the rest is to come again with more behind it */
  read(bytes: Uint8Array, start: number, end: number, handler: FrameHandler): number {
    let at = start;
    if (this.#toSkip > 0) {
      at += Math.min(this.#toSkip, end - start);
      this.#toSkip -= at - start;
    } else if (this.#partLeft > 0) {
      at = this.#part(bytes, start, Math.min(end, start + this.#partLeft), handler);
    }
    for (;;) {
      if (end - at < 2) return at;
      const first = bytes[at] as number;
      let length = bytes[at + 1] as number;
      let body = at + 2;
      if (length === 126) {
        if (end - at < 4) return at;
        length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
        body = at + 4;
      } else if (length === 127) {
        if (end - at < 10) return at;
        length = readLength(bytes, at + 2);
        body = at + 10;
      } else if (length > 127) {
        handler.broken("The server sent a masked frame.");
        return end;
      }
      const frameEnd = body + length;
      const isWholeMessage = first === 0x82 || first === 0x81;
      if (this.#takesParts && (first & 0x7f) <= OPCODE.binary) {
        this.#partLeft = length;
        at = this.#part(bytes, body, Math.min(end, frameEnd), handler);
        continue;
      }
      if (frameEnd > end) {
        if (!isWholeMessage || !handler.skim(bytes, body, end)) return at;
        this.#toSkip = frameEnd - end;
        return end;
      }
      if (isWholeMessage) handler.message(bytes, body, frameEnd);
      else this.#other(first, bytes, body, frameEnd, handler);
      at = frameEnd;
    }
  }

  #part(bytes: Uint8Array, start: number, end: number, handler: FrameHandler): number {
    this.#partLeft -= end - start;
    if (end > start) handler.message(bytes, start, end);
    return end;
  }

  #other(first: number, bytes: Uint8Array, start: number, end: number, handler: FrameHandler): void {
    const opcode = first & 15;
    if ((first & 0x70) !== 0) {
      handler.broken("The server sent a compressed frame, or one of an unknown extension.");
      return;
    }
    if (opcode >= OPCODE.close) {
      handler.control(opcode, bytes, start, end);
      return;
    }
    this.#fragments.push(bytes.slice(start, end));
    if ((first & 0x80) === 0) return;
    const message = Buffer.concat(this.#fragments);
    this.#fragments = [];
    handler.message(message, 0, message.length);
  }
}

/**
 * Writes the head of a frame of `length` bytes. The mask is zero, which the protocol allows: the server has the same
 * work, and the payload can be copied as it is.
 *
 * @returns place behind the head
 */
export function writeHead(bytes: Uint8Array, at: number, opcode: number, length: number): number {
  bytes[at] = 0x80 | opcode;
  let place = at + 2;
  if (length < 126) {
    bytes[at + 1] = 0x80 | length;
  } else if (length < 0x1_0000) {
    bytes[at + 1] = 0x80 | 126;
    bytes[place++] = length >>> 8;
    bytes[place++] = length;
  } else {
    bytes[at + 1] = 0x80 | 127;
    bytes.fill(0, place, place + 4);
    bytes[place + 4] = length >>> 24;
    bytes[place + 5] = length >>> 16;
    bytes[place + 6] = length >>> 8;
    bytes[place + 7] = length;
    place += 8;
  }
  bytes.fill(0, place, place + 4);
  return place + 4;
}

function readLength(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let place = at; place < at + 8; place++) length = length * 256 + (bytes[place] as number);
  return length;
}
