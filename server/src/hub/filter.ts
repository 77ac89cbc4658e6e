/**
 * Which records a subscription wants, decided from the bytes of key and headers as they stand in the log: nothing is decoded and data is
 * not looked at.
 *
 * @see docs/protocol.md, "subscribe"
 */
import {
  HEADER_PREFIX_BYTES,
  KEY_AT,
  dataAtOf,
  encodeUtf8,
  hasKey,
  headerEnd,
  headersAtOf,
  type RecordFilter,
} from "@ringcast/protocol";

/** A header that must be there with one of these values. */
interface WantedHeader {
  readonly name: Uint8Array;
  readonly values: WantedValues;
}

/** Values by their length, so that most of those that differ are never compared. */
type WantedValues = ReadonlyMap<number, readonly Uint8Array[]>;

/** A filter made ready once for all records that a subscription meets. */
export class CompiledFilter {
  /** Equal for filters that want the same records: their readers share frames. */
  readonly identity: string;
  readonly #keys: WantedValues | undefined;
  readonly #headers: readonly WantedHeader[];

  constructor({ keys, headers }: RecordFilter) {
    const names = Object.keys(headers ?? {}).sort();
    this.identity = JSON.stringify([
      keys === undefined ? null : canonical(keys),
      names.map((name) => [name, canonical(headers?.[name] ?? [])]),
    ]);
    this.#keys = keys === undefined ? undefined : byLength(keys);
    this.#headers = names.map((name) => ({ name: encodeUtf8(name), values: byLength(headers?.[name] ?? []) }));
  }

  /**
   * Whether a record is wanted.
   * @param at first byte of a record whose lengths hold
   */
  matches(bytes: Uint8Array, view: DataView, at: number): boolean {
    const headersAt = headersAtOf(view, at);
    if (this.#keys !== undefined) {
      if (!hasKey(view, at) || !isAmong(this.#keys, bytes, at + KEY_AT, headersAt)) return false;
    }
    for (const header of this.#headers) {
      if (!isHeaderAmong(header, bytes, headersAt, dataAtOf(view, at))) return false;
    }
    return true;
  }
}

function canonical(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort();
}

function byLength(values: readonly string[]): WantedValues {
  const all = new Map<number, Uint8Array[]>();
  for (const value of new Set(values)) {
    const bytes = encodeUtf8(value);
    const others = all.get(bytes.length);
    if (others === undefined) all.set(bytes.length, [bytes]);
    else others.push(bytes);
  }
  return all;
}

function isAmong(values: WantedValues, bytes: Uint8Array, from: number, to: number): boolean {
  const candidates = values.get(to - from);
  if (candidates === undefined) return false;
  for (const candidate of candidates) if (isEqual(candidate, bytes, from)) return true;
  return false;
}

/** A block holds a name once; were it there twice, the first would decide. */
function isHeaderAmong({ name, values }: WantedHeader, bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to;) {
    const next = headerEnd(bytes, at, to);
    if (next < 0) return false;
    const nameAt = at + HEADER_PREFIX_BYTES;
    const nameLength = bytes[at] as number;
    if (nameLength === name.length && isEqual(name, bytes, nameAt)) {
      return isAmong(values, bytes, nameAt + nameLength, next);
    }
    at = next;
  }
  return false;
}

function isEqual(wanted: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < wanted.length; i++) if (wanted[i] !== bytes[at + i]) return false;
  return true;
}
