import { createHash } from "node:crypto";
import { encodeUtf8 } from "@ringcast/protocol";

/** Names longer than this are cut and told apart by a hash; together with prefix and suffix far below NAME_MAX (255). */
const LONGEST_PLAIN = 160;
const KEPT_OF_LONG = 100;
const HASH_DIGITS = 40;

/**
 * Name of the file of one partition. It can't lead out of the directory, two topics never share one, not even where case is ignored, and no name is
 * special on any system: lower-case letters, digits, `-`, `_` and `.` stand for themselves, every other byte is `%` and two digits.
 */
export function fileNameOf(topic: string, partition: number): string {
  return `t.${encoded(topic)}.${partition}.ring`;
}

function encoded(topic: string): string {
  const bytes = encodeUtf8(topic);
  const name = Array.from(bytes, (byte) =>
    PLAIN.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : escapeOf(byte),
  );
  const whole = name.join("");
  if (whole.length <= LONGEST_PLAIN) return whole;
  // `%%` comes from no byte, so a cut name never equals a whole one.
  return `${whole.slice(0, KEPT_OF_LONG)}%%${createHash("sha256").update(bytes).digest("hex").slice(0, HASH_DIGITS)}`;
}

const PLAIN = /^[a-z0-9_.-]$/;

function escapeOf(byte: number): string {
  return `%${byte.toString(16).padStart(2, "0")}`;
}
