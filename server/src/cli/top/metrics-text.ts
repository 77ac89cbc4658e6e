/** Reads the numbers of `GET /metrics`. */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export interface Metrics {
  /** Sum over all labels; 0 where the hub has no such number. */
  readonly sum: (name: string) => number;
  /** The value of a label, where there is one series; undefined otherwise. */
  readonly label: (name: string, label: string) => string | undefined;
}

/** @param text the Prometheus text format */
export function parseMetrics(text: string): Metrics {
  const sums = new Map<string, number>();
  const labels = new Map<string, Map<string, string>>();
  for (const line of text.split("\n")) {
    const match = SAMPLE.exec(line);
    if (match === null) continue;
    const [, name = "", labelText, value] = match;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
    if (labelText !== undefined) {
      labels.set(name, new Map([...labelText.matchAll(LABEL)].map(([, key = "", text = ""]) => [key, text])));
    }
  }
  return { sum: (name) => sums.get(name) ?? 0, label: (name, label) => labels.get(name)?.get(label) };
}
