/**
 * What a reader has read, as one number that readers in any language and dialect come to: records as lines, hashed in blocks, each block with the digest
 * before it. A line is offset, timestamp, key, headers and data, as JSON where they are no numbers, with tabs between.
 */

/** Lines in a block. */
export const BLOCK_RECORDS = 10_000;

export interface DigestedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly data: unknown;
}

/** What a reader reports. */
export interface ReaderReport {
  readonly records: number;
  /** Offset of the next record. */
  readonly next: number;
  readonly digest: string;
}

export class RecordDigest {
  #digest = "";
  #lines: string[] = [];
  #records = 0;
  #next = 0;

  get records(): number {
    return this.#records;
  }

  /** @returns a promise at the end of a block: wait for it before the next record */
  add({ offset, timestamp, key, headers, data }: DigestedRecord): Promise<void> | undefined {
    const parts = [offset, timestamp, asJson(key ?? null), asJson(headers ?? {}), asJson(data)];
    this.#lines.push(parts.join("\t"));
    this.#records += 1;
    this.#next = offset + 1;
    return this.#lines.length === BLOCK_RECORDS ? this.#close() : undefined;
  }

  async report(): Promise<ReaderReport> {
    if (this.#lines.length > 0) await this.#close();
    return { records: this.#records, next: this.#next, digest: this.#digest };
  }

  async #close(): Promise<void> {
    const block = new TextEncoder().encode(`${this.#digest}\n${this.#lines.join("\n")}\n`);
    this.#lines = [];
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", block));
    this.#digest = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}

/** Bytes as the JSON dialect writes them. */
function asJson(value: unknown): string {
  if (!(value instanceof Uint8Array)) return JSON.stringify(value);
  let text = "";
  for (const byte of value) text += String.fromCharCode(byte);
  return JSON.stringify({ $bytes: btoa(text) });
}
