/** Lines of JSON from a file or from standard input, made into messages. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createInterface } from "node:readline";
import { RingcastError } from "@ringcast/protocol";
import { RawJson } from "./raw-json.js";

/** A message that a line stands for. */
export interface EventLine {
  readonly data: RawJson;
  readonly key?: string;
}

export interface EventSource {
  /** Opens it and reads it line by line; empty lines are left out. */
  lines(): AsyncIterable<EventLine>;
  /** 0 to 1, how much has been read; undefined where the length isn't known. */
  part(): number | undefined;
}

/**
 * Opens a file of JSON lines; `-` is standard input.
 *
 * @param keyField name of the member of the data that becomes the key
 * @throws RingcastError `bad_request` where the file can't be read; later, for a line that is no JSON
 */
export async function openEvents(file: string, keyField: string | undefined): Promise<EventSource> {
  const isInput = file === "-";
  const size = isInput ? 0 : await sizeOf(file);
  const stream: Readable = isInput ? process.stdin : createReadStream(file);
  let read = 0;
  stream.on("data", (chunk: Buffer | string) => (read += Buffer.byteLength(chunk)));
  return {
    lines: () => readLines(stream, isInput ? "standard input" : file, keyField),
    part: () => (size === 0 ? undefined : read / size),
  };
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RingcastError("bad_request", `The file can't be read: ${reason}`, { field: "file" }, { cause });
  }
}

async function* readLines(stream: Readable, name: string, keyField: string | undefined): AsyncGenerator<EventLine> {
  let number = 0;
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    number++;
    if (line.trim() === "") continue;
    const data = parseLine(line, `Line ${number} of ${name}`);
    if (keyField === undefined) yield { data };
    else yield { data, key: keyOf(data, keyField, `Line ${number} of ${name}`) };
  }
}

function parseLine(line: string, where: string): RawJson {
  try {
    return new RawJson(line);
  } catch (cause) {
    throw new RingcastError("bad_request", `${where} is no JSON; each line must be one value.`, {}, { cause });
  }
}

function keyOf({ text }: RawJson, field: string, where: string): string {
  const data: unknown = JSON.parse(text);
  const value = typeof data === "object" && data !== null ? (data as Record<string, unknown>)[field] : undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw new RingcastError("bad_request", `${where} has no text or number named ${JSON.stringify(field)} for its key.`);
}
