/** What is measured: the name of each figure in files, its name and unit for people, and which of two values is the better one. */

type Unit = "ns" | "us" | "ms" | "bytes" | "count" | "cores" | "share";

interface FigureKind {
  /** Head of its column. */
  readonly label: string;
  readonly unit: Unit;
  readonly better: "lower" | "higher";
}

/** Names end in the unit in which they are kept. */
export const FIGURES = {
  cpuNs: { label: "server CPU each", unit: "ns", better: "lower" },
  perSecond: { label: "a second", unit: "count", better: "higher" },
  replayedPerSecond: { label: "replayed a second", unit: "count", better: "higher" },
  p50Us: { label: "p50", unit: "us", better: "lower" },
  p90Us: { label: "p90", unit: "us", better: "lower" },
  p99Us: { label: "p99", unit: "us", better: "lower" },
  p999Us: { label: "p99.9", unit: "us", better: "lower" },
  maxUs: { label: "max", unit: "us", better: "lower" },
  wallMs: { label: "until all are back", unit: "ms", better: "lower" },
  eachBytes: { label: "RssAnon each", unit: "bytes", better: "lower" },
  connectionBytes: { label: "RssAnon a connection", unit: "bytes", better: "lower" },
  stalledBytes: { label: "RssAnon a stalled reader", unit: "bytes", better: "lower" },
  growthBytes: { label: "RssAnon grew by", unit: "bytes", better: "lower" },
  baseBytes: { label: "RssAnon of the server alone", unit: "bytes", better: "lower" },
  healthyShare: { label: "healthy readers' rate, to that without stalled ones", unit: "share", better: "higher" },
  arrivedShare: { label: "records that arrived in the end", unit: "share", better: "higher" },
  serverCores: { label: "server's cores", unit: "cores", better: "lower" },
  generatorBusy: { label: "generator's busiest thread", unit: "share", better: "lower" },
  systemShare: { label: "of it in the kernel", unit: "share", better: "lower" },
  rssBytes: { label: "RssAnon", unit: "bytes", better: "lower" },
  generatorCores: { label: "generator's cores", unit: "cores", better: "lower" },
} as const satisfies Record<string, FigureKind>;

export type FigureName = keyof typeof FIGURES;

/** What one turn of one server came to. What was not measured is left out. */
export type Figures = Partial<Record<FigureName, number>>;

const COUNT = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB"] as const;

/** A figure as people read it, with its unit: `83 ns`, `1.24 µs`, `3.5 KiB`, `1,240,000`. */
export function figureText(name: FigureName, value: number): string {
  return valueText(FIGURES[name].unit, value);
}

function valueText(unit: Unit, value: number): string {
  switch (unit) {
    case "ns":
      return durationText(value);
    case "us":
      return durationText(value * 1e3);
    case "ms":
      return durationText(value * 1e6);
    case "bytes":
      return bytesText(value);
    case "count":
      return value < 100 ? digits(value) : COUNT.format(Number(value.toPrecision(3)));
    case "cores":
      return value.toFixed(2);
    case "share":
      return `${digits(value * 100)} %`;
  }
}

function durationText(ns: number): string {
  if (ns < 1e3) return `${digits(ns)} ns`;
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`;
  if (ns < 1e9) return `${digits(ns / 1e6)} ms`;
  return `${digits(ns / 1e9)} s`;
}

function bytesText(bytes: number): string {
  let scaled = bytes;
  let unit = 0;
  for (; Math.abs(scaled) >= 1024 && unit < BYTE_UNITS.length - 1; unit++) scaled /= 1024;
  return `${digits(scaled)} ${BYTE_UNITS[unit]}`;
}

/** Three digits that count, and no point where they stand before it. */
function digits(value: number): string {
  const size = Math.abs(value);
  return size >= 100 ? COUNT.format(value) : value.toFixed(size >= 10 ? 1 : 2);
}
