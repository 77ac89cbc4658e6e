/**
 * A request of uWebSockets.js, made safe to keep. Anything but `onAborted` and the first `onData` may come after an
 * `await`; after the peer has gone the library's object throws at every touch, so it is let go of then.
 */
import type * as uWebSockets from "uWebSockets.js";
import type {
  BodyTaker,
  Exchange,
  HttpHead,
  HttpResponse,
  ResponseStream,
  ResponseStreamHandler,
} from "../../http/exchange.js";
import { addressFromBytes } from "../address.js";
import type { LateBodies } from "../late-bodies.js";
import { DISCARD_BYTES } from "../limits.js";
import type { TransportHandlers } from "../port.js";
import { RequestBody } from "../request-body.js";
import type { RequestHead } from "../request-head.js";
import { isBodiless } from "../response-head.js";
import { writeHead, writeUnended } from "./answers.js";
import { UwsResponseStream, type StreamKeeper } from "./stream.js";

/** What is taken of a body before somebody asks for it; the connection rests beyond it. */
const UNASKED_BYTES = 64 * 1024;
/** The library looks at the length of the `Connection` header alone. */
const CLOSE = "close";

/** What all requests of a transport share. */
export interface UwsExchangeShared {
  readonly lateBodies: LateBodies;
  readonly streams: StreamKeeper;
}

export class UwsExchange implements Exchange {
  readonly #head: RequestHead;
  readonly #shared: UwsExchangeShared;
  readonly #body: RequestBody;
  #remoteAddress: string | undefined;
  #response: uWebSockets.HttpResponse | undefined;
  #stream: UwsResponseStream | undefined;
  /** Answered already; the library has yet to be told that the connection can go. */
  #lingering: uWebSockets.HttpResponse | undefined;
  #isAborted = false;
  #isResting = false;
  /** Within a call of the library about this request: it has corked the connection. */
  #isCorked = false;

  /** Must be made inside the library's handler. */
  constructor(response: uWebSockets.HttpResponse, head: RequestHead, shared: UwsExchangeShared) {
    response.onAborted(() => this.#aborted());
    this.#response = response;
    this.#head = head;
    this.#shared = shared;
    this.#body = new RequestBody(head.contentLength, shared.lateBodies);
    if (!this.#body.isComplete) response.onData((piece, isLast) => this.#received(piece, isLast));
  }

  /** Has it handled, inside the library's handler too. */
  handOver(handlers: Pick<TransportHandlers, "request">): void {
    this.#isCorked = true;
    handlers.request(this);
    this.#isCorked = false;
  }

  get method(): string {
    return this.#head.method;
  }

  get path(): string {
    return this.#head.path;
  }

  get query(): string {
    return this.#head.query;
  }

  get remoteAddress(): string {
    return (this.#remoteAddress ??= addressOf(this.#response));
  }

  get aborted(): boolean {
    return this.#isAborted;
  }

  header(name: string): string | undefined {
    return this.#head.header(name);
  }

  headerCount(name: string): number {
    return this.#head.count(name);
  }

  readBody(maxBytes: number, take: BodyTaker): void {
    this.#body.read(maxBytes, take);
    this.#resume();
  }

  respond(answer: HttpResponse): void {
    const response = this.#response;
    if (response === undefined) return;
    const close = this.#closesAfter(answer);
    this.#body.drop();
    this.#resume();
    this.#response = undefined;
    const lingers = this.#lingersAfter(answer, close);
    const options = { isHead: this.method === "HEAD", close, lingers };
    if (this.#isCorked) writeAnswer(response, answer, options);
    else writeCorked(response, answer, options);
    if (lingers) this.#linger(response);
  }

  stream(head: HttpHead, events: ResponseStreamHandler): ResponseStream {
    const response = this.#response;
    this.#response = undefined;
    this.#body.drop();
    this.#resume();
    this.#stream = new UwsResponseStream(response, events, this.#shared.streams);
    this.#stream.begin(head);
    return this.#stream;
  }

  /** A body that nobody has read to its end is swallowed up to a limit: cut at once, the peer might never see the answer. */
  #closesAfter(answer: HttpHead): boolean {
    return answer.close === true || this.#body.missingBytes > DISCARD_BYTES;
  }

  /**
   * The library closes a connection as soon as its last answer is out, whatever is still coming. Only refusals wait: they are text, and nothing else is said
   * before a body has been read. Behind a request whose framing is in doubt nothing may be read.
   */
  #lingersAfter(answer: HttpHead, close: boolean): boolean {
    const isRefusal = answer.status >= 400 && answer.close !== true;
    if (!isRefusal || this.#body.missingBytes === 0 || this.#body.isLate) return false;
    return close || this.#head.header("connection")?.length === CLOSE.length;
  }

  #linger(response: uWebSockets.HttpResponse): void {
    this.#lingering = response;
    this.#body.swallow(this.#shared.lateBodies.timeoutMs, () => {
      // Where the body came in one packet with its head, the answer still waits in the cork buffer, which a close throws away.
      setImmediate(() => {
        this.#lingering?.close();
        this.#lingering = undefined;
      });
    });
  }

  #received(piece: ArrayBuffer, isLast: boolean): void {
    this.#isCorked = true;
    if (isLast) this.#body.completeWith(new Uint8Array(piece));
    else if (this.#body.isDropped) this.#body.skip(piece.byteLength);
    else if (piece.byteLength > 0) this.#body.add(new Uint8Array(piece.slice(0)));
    this.#isCorked = false;
    if (!isLast && !this.#body.isWanted && this.#body.receivedBytes > UNASKED_BYTES) this.#rest();
  }

  #rest(): void {
    if (this.#isResting || this.#response === undefined) return;
    this.#isResting = true;
    this.#response.pause();
  }

  #resume(): void {
    if (!this.#isResting) return;
    this.#isResting = false;
    this.#response?.resume();
  }

  #aborted(): void {
    this.#isAborted = true;
    this.#response = undefined;
    this.#lingering = undefined;
    this.#body.cutOff();
    this.#stream?.gone();
  }
}

function addressOf(response: uWebSockets.HttpResponse | undefined): string {
  return response === undefined ? "" : addressFromBytes(new Uint8Array(response.getRemoteAddress()));
}

interface AnswerOptions {
  readonly isHead: boolean;
  /** Closes the connection behind it. */
  readonly close: boolean;
  /** Goes on to take the request's body. */
  readonly lingers: boolean;
}

/** What is written leaves at once, in one piece. (A function of its own: a closure costs memory in each call of the one around it, made or not.) */
function writeCorked(response: uWebSockets.HttpResponse, answer: HttpResponse, options: AnswerOptions): void {
  response.cork(() => writeAnswer(response, answer, options));
}

function writeAnswer(response: uWebSockets.HttpResponse, answer: HttpResponse, options: AnswerOptions): void {
  if (options.lingers) {
    writeUnended(response, answer, options);
    return;
  }
  writeHead(response, answer.status, answer.headers);
  writeBody(response, answer, options);
}

function writeBody(response: uWebSockets.HttpResponse, answer: HttpResponse, { isHead, close }: AnswerOptions): void {
  const bytes = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  if (isBodiless(answer.status)) endBodiless(response, { close });
  else if (isHead) endBodiless(response, { length: bytes.length, close });
  else if (close || bytes.length === 0) response.end(bytes, close);
  else writePaced(response, bytes, answer);
}

/** The library never counts an answer as given when it writes the length itself, and can't close without writing one. */
function endBodiless(response: uWebSockets.HttpResponse, options: { length?: number; close: boolean }): void {
  if (options.length !== undefined) response.writeHeader("Content-Length", String(options.length));
  if (options.close) response.writeHeader("Connection", "close");
  response.endWithoutBody();
}

/**
 * Writes a body as fast as the peer reads. Until it is out the library takes no further request on this connection, so
 * that requests sent in a row without reading an answer pile up nothing.
 */
function writePaced(response: uWebSockets.HttpResponse, bytes: Uint8Array, { volatile }: HttpResponse): void {
  const [isTaken, isDone] = response.tryEnd(bytes, bytes.length);
  if (!isTaken && !isDone) writeRest(response, volatile === true ? new Uint8Array(bytes) : bytes);
}

function writeRest(response: uWebSockets.HttpResponse, kept: Uint8Array): void {
  response.onWritable((offset) => {
    const [isTakenNow] = response.tryEnd(kept.subarray(offset), kept.length);
    return isTakenNow;
  });
}
