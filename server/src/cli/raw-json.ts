/**
 * JSON that goes through as it was written: parsed and written again, 9007199254740993 would become 9007199254740992.
 */
import { randomUUID } from "node:crypto";
import { jsonCodec, type Codec } from "@ringcast/client/json";

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

/** Stands before a number that would change; nobody else can know it. */
const MARK = `number:${randomUUID()}:`;
/** A string or a number of a JSON text; what stands in strings is not looked at. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, "g");

/**
 * The JSON dialect, with {@link RawJson} as data put into the frame as it is, and with numbers that JavaScript can't write as they
 * stand handed out as marked texts, for {@link rawText}.
 */
export const rawJsonCodec: Codec = {
  ...jsonCodec,
  encodeBody: (fields) => encode(fields),
  decode: (frame) => jsonCodec.decode(typeof frame === "string" ? markNumbers(frame) : frame),
};

/** Data of a message as JSON, its numbers as they were published. */
export function rawText(value: unknown): string {
  return JSON.stringify(value).replace(MARKED, "$1");
}

/** Parses JSON so that {@link rawText} writes its numbers as they stand here. */
export function parseExactly(text: string): unknown {
  return JSON.parse(markNumbers(text));
}

function markNumbers(text: string): string {
  return text.replace(TOKENS, (token) =>
    token.startsWith('"') || String(Number(token)) === token ? token : `"${MARK}${token}"`,
  );
}

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
