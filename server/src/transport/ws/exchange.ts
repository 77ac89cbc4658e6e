/**
 * A request of node:http.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  BodyTaker,
  Exchange,
  HttpHead,
  HttpResponse,
  ResponseStream,
  ResponseStreamHandler,
} from "../../http/exchange.js";
import { plainAddress } from "../address.js";
import type { LateBodies } from "../late-bodies.js";
import { DISCARD_BYTES } from "../limits.js";
import { RequestBody } from "../request-body.js";
import type { RequestHead } from "../request-head.js";
import { isBodiless, safeHeaderValue, statusLine } from "../response-head.js";
import { endPipeline } from "./pipeline.js";
import { WsResponseStream } from "./stream.js";

export class WsExchange implements Exchange {
  readonly remoteAddress: string;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #head: RequestHead;
  readonly #lateBodies: LateBodies;
  readonly #body: RequestBody;
  #isReading = false;
  #isAnswered = false;
  #isAborted = false;

  constructor(request: IncomingMessage, response: ServerResponse, head: RequestHead, lateBodies: LateBodies) {
    this.#request = request;
    this.#response = response;
    this.#head = head;
    this.#lateBodies = lateBodies;
    this.#body = new RequestBody(head.contentLength, lateBodies);
    this.remoteAddress = plainAddress(request.socket.remoteAddress ?? "");
    request.on("error", () => this.#aborted());
    response.on("close", () => this.#closed());
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
    if (this.#isAborted) this.#body.cutOff();
    this.#read();
  }

  respond(answer: HttpResponse): void {
    if (this.#isAnswered || this.#isAborted) return;
    const lingers = this.#writeHead(answer) && this.#canLinger(answer);
    const { body } = answer;
    const bytes = typeof body === "string" || answer.volatile === true ? Buffer.from(body) : body;
    const hasBody = !isBodiless(answer.status) && this.method !== "HEAD";
    if (!isBodiless(answer.status)) this.#response.setHeader("Content-Length", bytes.length);
    if (lingers) this.#answerAndLinger(hasBody ? bytes : undefined);
    else this.#response.end(hasBody ? bytes : undefined);
  }

  stream(head: HttpHead, events: ResponseStreamHandler): ResponseStream {
    const stream = new WsResponseStream(this.#response, events);
    if (this.#isAnswered || this.#isAborted) {
      stream.terminate();
      return stream;
    }
    this.#writeHead(head);
    stream.begin();
    return stream;
  }

  /** @returns whether the connection is to be closed behind the answer: by this hub's wish, or the peer's */
  #writeHead(head: HttpHead): boolean {
    this.#isAnswered = true;
    this.#body.drop();
    this.#response.statusCode = head.status;
    this.#response.statusMessage = statusLine(head.status).slice(4);
    for (const [name, value] of Object.entries(head.headers)) this.#response.setHeader(name, safeHeaderValue(value));
    if (head.close !== true && this.#body.missingBytes <= DISCARD_BYTES) return !this.#response.shouldKeepAlive;
    this.#response.setHeader("Connection", "close");
    endPipeline(this.#request.socket);
    return true;
  }

  /** Behind a request whose framing is in doubt nothing may be read. */
  #canLinger(answer: HttpHead): boolean {
    return answer.close !== true && this.#body.missingBytes > 0 && !this.#body.isLate;
  }

  /** Says everything at once, and ends it when the body has been swallowed: at the end Node closes the connection, and a peer that still sends might never see it. */
  #answerAndLinger(bytes: Uint8Array | undefined): void {
    endPipeline(this.#request.socket);
    if (bytes === undefined) this.#response.flushHeaders();
    else this.#response.write(bytes);
    this.#read();
    this.#body.swallow(this.#lateBodies.timeoutMs, () => this.#response.end());
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#request.on("data", (piece: Buffer) => this.#body.add(piece));
    this.#request.on("end", () => this.#body.complete());
  }

  #closed(): void {
    if (!this.#response.writableFinished) this.#aborted();
  }

  #aborted(): void {
    this.#isAborted = true;
    this.#body.cutOff();
  }
}
