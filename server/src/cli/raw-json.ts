/**
 * JSON that is published as it was typed: parsed and written again, 9007199254740993 would become 9007199254740992.
 */
import { jsonCodec, type Codec } from "@ringcast/client";

/** Text that is known to be JSON. */
export class RawJson {
  readonly text: string;

  /** @throws SyntaxError where the text is no JSON */
  constructor(text: string) {
    JSON.parse(text);
    this.text = text.trim();
  }
}

interface Fields {
  readonly data?: unknown;
  readonly messages?: readonly Fields[];
}

/** The JSON dialect, with {@link RawJson} as data put into the frame as it is. */
export const rawJsonCodec: Codec = { ...jsonCodec, encodeBody: (fields) => encode(fields) };

function encode(fields: Fields): string {
  const { data, messages, ...rest } = fields;
  const members = [
    ...(data instanceof RawJson ? [`"data":${data.text}`] : []),
    ...(messages === undefined ? [] : [`"messages":[${messages.map(encode).join(",")}]`]),
    ...Object.entries(rest)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`),
  ];
  return `{${members.join(",")}}`;
}
