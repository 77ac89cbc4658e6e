/** Publishes that differ in their payload only: made once for each topic, then written over. */

/** Text around the payloads, one character a byte. */
export interface Frame {
  readonly before: string;
  /** Around each record. */
  readonly head: string;
  readonly tail: string;
  readonly after: string;
}

interface Template {
  readonly message: Buffer;
  readonly payloadBytes: number;
  readonly records: number;
  readonly firstAt: number;
  readonly stride: number;
}

export class Templates {
  readonly #byTopic = new Map<string, Template>();
  readonly #frame: (topic: string, payloadBytes: number) => Frame;

  constructor(frame: (topic: string, payloadBytes: number) => Frame) {
    this.#frame = frame;
  }

  /** @returns memory that the next publish to this topic writes over */
  fill(topic: string, payload: Uint8Array, records: number): Uint8Array {
    let template = this.#byTopic.get(topic);
    if (template?.payloadBytes !== payload.length || template.records !== records) {
      template = makeTemplate(this.#frame(topic, payload.length), payload.length, records);
      this.#byTopic.set(topic, template);
    }
    const { message, firstAt, stride } = template;
    for (let record = 0; record < records; record++) message.set(payload, firstAt + record * stride);
    return message;
  }
}

function makeTemplate({ before, head, tail, after }: Frame, payloadBytes: number, records: number): Template {
  const text = before + (head + " ".repeat(payloadBytes) + tail).repeat(records) + after;
  return {
    message: Buffer.from(text, "latin1"),
    payloadBytes,
    records,
    firstAt: before.length + head.length,
    stride: head.length + payloadBytes + tail.length,
  };
}
