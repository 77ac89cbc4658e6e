/** Messages and gaps as lines for people. */
import type { Gap } from "@ringcast/protocol";
import { printable } from "./printable.js";
import { rawText } from "./raw-json.js";
import type { Terminal } from "./terminal.js";

/** A message as it stands in a line of JSON. */
export interface StoredMessage {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly offset: number;
  readonly timestamp: number;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly data: unknown;
}

/** One line with time, place, key, headers and data, coloured for standard output. */
export function lineOf(message: StoredMessage, terminal: Terminal): string {
  const time = new Date(message.timestamp).toISOString().slice(11, 23);
  const place = `${printable(message.topic)}/${message.partition}`;
  const parts = [
    terminal.colour("dim", time),
    terminal.colour("cyan", place),
    terminal.colour("bold", `${message.offset}`),
    ...(message.key === undefined ? [] : [terminal.colour("yellow", printable(message.key))]),
    ...Object.entries(message.headers ?? {}).map(([name, value]) =>
      terminal.colour("dim", printable(`${name}=${value}`)),
    ),
    printable(rawText(message.data)),
  ];
  return parts.join("  ");
}

/** What is missing, and why. */
export function gapText({ topic, partition, from, to, reason, next, epoch }: Gap): string {
  const place = `${printable(topic)}/${partition}`;
  if (reason === "retention" || reason === "corrupt") {
    const why = reason === "retention" ? "were overwritten or expired" : "are damaged on disk";
    return `offsets ${from} to ${to} of ${place} ${why}`;
  }
  return `${place} has another history (${reason}); reading goes on at offset ${next} of epoch ${epoch}`;
}
