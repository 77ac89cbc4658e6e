/** The records of a publish frame, judged and left where they are: whoever stores them copies them as they came. */
import type { NewMessage } from "./operations.js";
import { KEY_AT, contentTypeOf, dataAtOf, dataEndOf, hasKey, headersAtOf, lengthOf, payloadCheckOf } from "./record.js";
import { NO_HEADERS } from "./headers.js";

/** Records one behind the other: the publisher's part right, the hub's zero but for the lengths, nothing between. Valid as long as its bytes are. */
export class RecordRun {
  readonly bytes: Uint8Array;
  /** Over `bytes`. */
  readonly view: DataView;
  /** Place of the first record. */
  readonly at: number;
  /** Place behind the last one. */
  readonly end: number;
  readonly count: number;
  #messages: readonly NewMessage[] | undefined = undefined;

  constructor(bytes: Uint8Array, view: DataView, place: { readonly at: number; readonly count: number }) {
    this.bytes = bytes;
    this.view = view;
    this.at = place.at;
    this.end = bytes.length;
    this.count = place.count;
  }

  /** The same as messages, each with its check; made when somebody asks, which takes ten times as long as copying the run. */
  get messages(): readonly NewMessage[] {
    return (this.#messages ??= this.#slice());
  }

  /** Bytes of data, keys and headers. */
  get payloadBytes(): number {
    let bytes = 0;
    for (let at = this.at; at < this.end; at += lengthOf(this.view, at))
      bytes += dataEndOf(this.view, at) - at - KEY_AT;
    return bytes;
  }

  #slice(): NewMessage[] {
    const messages: NewMessage[] = [];
    for (let at = this.at; at < this.end; at += lengthOf(this.view, at)) {
      messages.push(messageAt(this.bytes, this.view, at));
    }
    return messages;
  }
}

/** What a publisher gave of the record at `at`, whose bounds and lengths are good: slices of `bytes`, and the check as it stands there. */
export function messageAt(bytes: Uint8Array, view: DataView, at: number): NewMessage {
  const headersAt = headersAtOf(view, at);
  const dataAt = dataAtOf(view, at);
  return {
    contentType: contentTypeOf(view, at),
    data: bytes.subarray(dataAt, dataEndOf(view, at)),
    key: hasKey(view, at) ? bytes.subarray(at + KEY_AT, headersAt) : undefined,
    headers: dataAt === headersAt ? NO_HEADERS : bytes.subarray(headersAt, dataAt),
    check: payloadCheckOf(view, at),
  };
}
