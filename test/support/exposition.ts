/** A strict reader of Prometheus' text format, with the rules of promtool's linter that matter for what a hub writes. */

/** One metric with all its samples. */
export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Map<string, number>;
}

/** Not-a-number in any case, as Go reads it. */
const SAMPLE = /^([a-z_][a-z0-9_]*)(\{[^}]*\})? (-?[0-9.e+-]+|N[Aa][Nn]|[+-]Inf)$/;
const LABELS = /^\{[a-z_]+="(?:[^"\\]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\]|\\[\\"n])*")*\}$/;
const HISTOGRAM_SUFFIX = /_(?:bucket|sum|count)$/;
/** A bucket without further labels. */
const ALONE = /\{le="[^"]*"\}$/;
/** Units other than the base ones, as parts of a name. */
const FOREIGN_UNITS = /_(?:ms|millis|milliseconds|us|micros|minutes|hours|kb|mb|kib|mib|kilobytes|percent)(?:_|$)/;

/**
 * Families by name.
 * @throws Error naming the first line that breaks a rule
 */
export function readExposition(text: string): Map<string, MetricFamily> {
  if (!text.endsWith("\n")) throw new Error("The text must end with a line break.");
  const families = new Map<string, MetricFamily>();
  let family: MetricFamily | undefined;
  let help: { name: string; text: string } | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment?.[1] === "HELP") {
      help = { name: comment[2] as string, text: comment[3] as string };
    } else if (comment?.[1] === "TYPE") {
      family = begin(comment[2] as string, comment[3] as string, help);
      if (families.has(family.name)) throw new Error(`${family.name} is there twice.`);
      families.set(family.name, family);
    } else addSample(line, family);
  }
  for (const each of families.values()) if (each.type === "histogram") checkBuckets(each);
  return families;
}

function begin(name: string, type: string, help: { name: string; text: string } | undefined): MetricFamily {
  if (help?.name !== name) throw new Error(`${name} has no help.`);
  if (!["counter", "gauge", "histogram", "summary"].includes(type)) throw new Error(`${name} is a ${type}.`);
  if (name.endsWith("_total") !== (type === "counter"))
    throw new Error(`${name} is a ${type}: _total is for counters.`);
  if (HISTOGRAM_SUFFIX.test(name)) throw new Error(`${name} ends like a part of a histogram.`);
  if (FOREIGN_UNITS.test(name)) throw new Error(`${name} is not in seconds or bytes.`);
  return { name, type, help: help.text, samples: new Map() };
}

function addSample(line: string, family: MetricFamily | undefined): void {
  const [, name = "", labels = "", value] = SAMPLE.exec(line) ?? [];
  if (family === undefined || name === "") throw new Error(`Not understood: ${line}`);
  if (labels !== "" && !LABELS.test(labels)) throw new Error(`Labels not understood: ${line}`);
  const base = family.type === "histogram" ? name.replace(HISTOGRAM_SUFFIX, "") : name;
  if (base !== family.name) throw new Error(`${line} stands under ${family.name}.`);
  const series = `${name}${labels}`;
  if (family.samples.has(series)) throw new Error(`${series} is there twice.`);
  if (family.type === "counter" && Number(value) < 0) throw new Error(`${series} runs backwards.`);
  family.samples.set(series, Number(value));
}

/** Cumulative, with +Inf at the end that equals the count. Only for histograms without further labels. */
function checkBuckets({ name, samples }: MetricFamily): void {
  const buckets = [...samples].filter(([series]) => ALONE.test(series) && series.startsWith(`${name}_bucket{`));
  if (buckets.length === 0) return;
  const counts = buckets.map(([, count]) => count);
  if (counts.some((count, at) => count < (counts[at - 1] ?? 0))) throw new Error(`${name} is not cumulative.`);
  if (buckets.at(-1)?.[0] !== `${name}_bucket{le="+Inf"}`) throw new Error(`${name} lacks its last bucket.`);
  if (samples.get(`${name}_count`) !== counts.at(-1))
    throw new Error(`${name} counts something else than its buckets.`);
}
