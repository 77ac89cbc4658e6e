/** A snapshot as lines of text that fit the terminal. */
import type { styleText } from "node:util";
import { printable } from "../printable.js";
import { countText } from "../progress.js";
import type { Row, Snapshot, Totals } from "./snapshot.js";

type Style = Parameters<typeof styleText>[0];

export interface ViewOptions {
  readonly url: string;
  readonly columns: number;
  /** Lines at most; undefined: all. */
  readonly rows: number | undefined;
  /** Row that keys act on; undefined: none is marked. */
  readonly selected: number | undefined;
  /** What keys do, or what is being asked; the last line. */
  readonly footer: string;
  readonly colour: (style: Style, text: string) => string;
}

interface Column {
  readonly title: string;
  readonly width: number;
  /** Numbers stand at the right. */
  readonly isNumber: boolean;
  /** The lower, the longer it stays when the terminal is narrow. */
  readonly rank: number;
  value(row: Row): string;
}

const LEAST_TOPIC_WIDTH = 12;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const GAP = "  ";

/** Behind the topic, which takes what is left. */
const COLUMNS: readonly Column[] = [
  { title: "LAG", width: 9, isNumber: true, rank: 0, value: ({ lagRecords }) => shortCount(lagRecords) },
  { title: "GATE", width: 11, isNumber: false, rank: 1, value: ({ state }) => gateText(state) },
  { title: "BEHIND", width: 7, isNumber: true, rank: 2, value: ({ lagMs }) => durationText(lagMs) },
  { title: "LAG BYTES", width: 9, isNumber: true, rank: 5, value: ({ lagBytes }) => bytesText(lagBytes) },
  {
    title: "MSG/S",
    width: 7,
    isNumber: true,
    rank: 3,
    value: ({ deliveredPerSecond }) => shortCount(deliveredPerSecond),
  },
  { title: "UNSENT", width: 8, isNumber: true, rank: 6, value: ({ bufferedBytes }) => bytesText(bufferedBytes) },
  { title: "DIALECT", width: 7, isNumber: false, rank: 8, value: ({ dialect }) => dialect },
  { title: "ADDRESS", width: 15, isNumber: false, rank: 4, value: ({ address }) => address },
  { title: "WHO", width: 10, isNumber: false, rank: 7, value: ({ subject }) => subject ?? "" },
  { title: "CONNECTION", width: 22, isNumber: false, rank: 9, value: ({ connection }) => connection },
];

const STATE_STYLES: Readonly<Record<string, Style>> = {
  "catching-up": "yellow",
  "waiting-for-window": "magenta",
  "waiting-for-drain": "red",
};

/** At most `rows` lines, none wider than `columns`. */
export function renderSnapshot({ totals, rows, isPartial }: Snapshot, options: ViewOptions): string[] {
  const { columns, colour } = options;
  const head = [...totalLines(totals, options), ""];
  const shown = fittingColumns(columns);
  const topicWidth = columns - shown.reduce((sum, { width }) => sum + width + GAP.length, 0);
  const titles = [
    pad("TOPIC", topicWidth, false),
    ...shown.map(({ title, width, isNumber }) => pad(title, width, isNumber)),
  ];
  const room = options.rows === undefined ? rows.length : Math.max(0, options.rows - head.length - 2);
  const first = firstVisible(options.selected ?? 0, room);
  const lines = rows.slice(first, first + room).map((row, index) => {
    const cells = [pad(row.topic ?? "–", topicWidth, false), ...shown.map((column) => cellOf(column, row, options))];
    const line = cells.join(GAP);
    return first + index === options.selected ? colour("inverse", line) : line;
  });
  const more = isPartial ? " Only the first connections of this hub are shown." : "";
  const empty = rows.length === 0 && room > 0 ? [colour("dim", cut("No connections.", columns))] : [];
  return [...head, colour("dim", titles.join(GAP)), ...lines, ...empty, cut(options.footer + more, columns)];
}

function totalLines(totals: Totals, { url, columns, colour }: ViewOptions): string[] {
  const { connections, streams, subscriptions, topics } = totals;
  const counts = [
    `${countText(connections)} connections`,
    ...(streams === 0 ? [] : [`${countText(streams)} event streams`]),
    `${countText(subscriptions)} subscriptions`,
    `${countText(topics)} topics`,
  ];
  const rates = [
    `in ${shortCount(totals.appendedPerSecond)} msg/s`,
    `out ${shortCount(totals.deliveredPerSecond)} msg/s, ${bytesText(totals.deliveredBytesPerSecond)}/s`,
    `logs ${bytesText(totals.logBytes)}`,
    `memory ${bytesText(totals.memoryBytes)}`,
    ...(totals.gaps === 0 ? [] : [`${countText(totals.gaps)} gaps`]),
  ];
  const failed = `${countText(totals.failedPartitions)} partitions refuse publishes: their storage failed`;
  return [
    colour("bold", cut(`ringcast ${totals.version}  ${printable(url)}`, columns)),
    cut(counts.join(" · "), columns),
    cut(rates.join(" · "), columns),
    ...(totals.failedPartitions === 0 ? [] : [colour("red", cut(failed, columns))]),
  ];
}

/** The columns that leave the topic room, the least important going first. */
function fittingColumns(columns: number): readonly Column[] {
  const ranked = [...COLUMNS].sort((a, b) => a.rank - b.rank);
  let left = columns - LEAST_TOPIC_WIDTH;
  const fitting = new Set<Column>();
  for (const column of ranked) {
    left -= column.width + GAP.length;
    if (left < 0) break;
    fitting.add(column);
  }
  return COLUMNS.filter((column) => fitting.has(column));
}

function cellOf(column: Column, row: Row, { selected, colour }: ViewOptions): string {
  const text = pad(column.value(row), column.width, column.isNumber);
  const style = column.title === "GATE" ? STATE_STYLES[row.state ?? ""] : undefined;
  return style === undefined || selected !== undefined ? text : colour(style, text);
}

/** The marked row stays in sight. */
function firstVisible(selected: number, room: number): number {
  return Math.max(0, selected - room + 1);
}

/** What holds a cursor, in a word. */
function gateText(state: string | undefined): string {
  if (state === undefined) return "";
  return (
    { live: "open", "catching-up": "catching up", "waiting-for-window": "window", "waiting-for-drain": "socket" }[
      state
    ] ?? state
  );
}

function pad(text: string, width: number, isNumber: boolean): string {
  const fitted = cut(printable(text), width);
  return isNumber ? fitted.padStart(width) : fitted.padEnd(width);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** `1,707`, `1.2 M` */
function shortCount(count: number): string {
  if (count < 100_000) return countText(Math.round(count));
  return count < 1_000_000 ? `${Math.round(count / 1000)} k` : `${(count / 1_000_000).toFixed(1)} M`;
}

/** `512 B`, `1.5 MiB` */
export function bytesText(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[step] ?? ""}`;
}

function durationText(ms: number): string {
  if (ms === 0) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
