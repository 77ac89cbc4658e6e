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
 * @param options.keyField name of the member of the data that becomes the key
 * @param options.signal ends the lines when aborted
 * @throws RingcastError `bad_request` where the file can't be read; later, for a line that is no JSON
 */
export async function openEvents(
  file: string,
  { keyField, signal }: { keyField: string | undefined; signal: AbortSignal },
): Promise<EventSource> {
  const isInput = file === "-";
  const size = isInput ? 0 : await sizeOf(file);
  const name = isInput ? "standard input" : file;
  let read = 0;
  return {
    lines: async function* () {
      let number = 0;
      for await (const line of textLines(isInput ? process.stdin : createReadStream(file), signal)) {
        number++;
        read += Buffer.byteLength(line) + 1;
        if (line.trim() !== "") yield toEvent(line, keyField, `Line ${number} of ${name}`);
      }
    },
    part: () => (size === 0 ? undefined : read / size),
  };
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(cause: unknown): RingcastError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RingcastError("bad_request", `The file can't be read: ${reason}`, { field: "file" }, { cause });
}

async function* textLines(stream: Readable, signal: AbortSignal): AsyncGenerator<string> {
  const lines = createInterface({ input: stream, crlfDelay: Infinity, signal });
  try {
    yield* lines;
  } catch (error) {
    throw unreadable(error);
  }
}

function toEvent(line: string, keyField: string | undefined, where: string): EventLine {
  const data = parseLine(line, where);
  return keyField === undefined ? { data } : { data, key: keyOf(data, keyField, where) };
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
