/** Names come again and again. One that was met before is taken from here: comparing bytes takes a third of the time of making a text of them, and the same text is found faster in maps. */
import { decodeUtf8, isUtf8 } from "./utf8.js";

const SLOTS = 256;
const LONGEST = 64;

const known: string[] = /*#__PURE__*/ new Array<string>(SLOTS).fill("");

/** Text of bytes `at` to `end - 1`; undefined where they aren't UTF-8. */
export function decodeName(bytes: Uint8Array, at: number, end: number): string | undefined {
  const length = end - at;
  if (length === 0) return "";
  const slot = slotOf(bytes, at, end);
  const name = known[slot] as string;
  if (isSame(name, bytes, at, length)) return name;
  if (!isUtf8(bytes, at, end)) return undefined;
  const decoded = decodeUtf8(bytes, at, end);
  // Only of ASCII a character is a byte.
  if (length <= LONGEST && decoded.length === length) known[slot] = decoded;
  return decoded;
}

function slotOf(bytes: Uint8Array, at: number, end: number): number {
  const middle = bytes[(at + end) >> 1] as number;
  const last = bytes[end - 1] as number;
  const beforeLast = bytes[end - 2 < at ? at : end - 2] as number;
  return (end - at + (bytes[at] as number) * 7 + middle * 31 + beforeLast * 5 + last * 17) & (SLOTS - 1);
}

function isSame(name: string, bytes: Uint8Array, at: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (name.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
}
