/** What is aimed at: the limits of the hub, in figures and against the others of the same run. Data; {@link import("./verdicts.js")} judges. */
import type { FigureName } from "./figures.js";

export interface Target {
  /** Row that it is about: `fanout/1000x128`. */
  readonly row: string;
  /** Server that it binds. */
  readonly contender: string;
  readonly figure: FigureName;
  readonly conditions: readonly Condition[];
}

export type Condition =
  /** In the unit of the figure. */
  | { readonly atMost: number }
  | { readonly atLeast: number }
  /** So many times as good as another server of the same row. */
  | { readonly times: number; readonly asGoodAs: string }
  /** At most so many times what the other one needs, and `plus` in the unit of the figure. Only where less is better. */
  | { readonly within: number; readonly of: string; readonly plus?: number };

const HUB = "Ringcast";
const HUB_JSON = "Ringcast JSON";
const HUB_ON_WS = "Ringcast on ws";
const RAW = "raw uWebSockets.js";
const NATS = "NATS";
const JETSTREAM = "NATS JetStream";
const KIB = 1024;

function target(row: string, contender: string, figure: FigureName, ...conditions: Condition[]): Target {
  return { row, contender, figure, conditions };
}

const better = (times: number, asGoodAs: string): Condition => ({ times, asGoodAs });
const within = (factor: number, of: string, plus = 0): Condition => ({ within: factor, of, plus });

export const TARGETS: readonly Target[] = [
  target("fanout/1000x128", HUB, "cpuNs", { atMost: 130 }, better(2.8, NATS), better(25, RAW)),
  target("fanout/1000x128", HUB_ON_WS, "cpuNs", within(2, HUB)),
  target("fanout/100x128", HUB, "cpuNs", { atMost: 90 }, better(1.7, NATS)),
  target("fanout/1x128-batches", HUB, "cpuNs", { atMost: 250 }, better(2, NATS)),
  target("fanout/1x128", HUB, "cpuNs", better(2, RAW)),
  target("fanout/100x128-rate", HUB, "cpuNs", within(1.15, RAW), better(1.4, NATS)),
  target("fanout/1000x128-rate", HUB, "cpuNs", within(1.15, RAW), better(1.4, NATS)),
  target("latency/1", HUB, "p50Us", within(1, RAW, 15), within(1.1, RAW)),
  target("latency/1", HUB, "p99Us", within(1.5, RAW)),
  target("latency/100", HUB, "p50Us", within(1, RAW, 15), within(1.1, RAW)),
  target("latency/100", HUB, "p99Us", within(1.5, RAW), better(2, NATS)),
  target("multiplex/1000x10", HUB, "cpuNs", within(1.1, RAW)),
  target("multiplex/1000x10", HUB, "arrivedShare", { atLeast: 1 }),
  target("ingest/pipelined", HUB, "cpuNs", { atMost: 1_300 }, better(2, JETSTREAM)),
  target("ingest/pipelined", HUB_JSON, "cpuNs", { atMost: 1_900 }, better(1.4, JETSTREAM)),
  target("ingest/batches", HUB, "cpuNs", { atMost: 150 }, better(8, JETSTREAM)),
  target("ingest/batches", HUB, "perSecond", { atLeast: 3e6 }),
  target("ingest/16", HUB, "cpuNs", within(1.3, RAW), better(0.9, JETSTREAM)),
  target("ingest/synced-single", "Ringcast synced", "perSecond", better(1, "Redis AOF always")),
  target("ingest/synced-pipelined", "Ringcast synced", "perSecond", better(1, "Redis AOF always")),
  target("ingest/http-1", HUB, "cpuNs", within(1.2, RAW)),
  target("ingest/http-10", HUB, "cpuNs", within(1.4, RAW), better(2.5, "node:http")),
  target("replay/1", HUB, "cpuNs", { atMost: 70 }, better(10, JETSTREAM), better(3, "Redis")),
  target("replay/1", HUB, "perSecond", { atLeast: 8e6 }),
  target("replay/1", HUB_JSON, "cpuNs", { atMost: 450 }),
  target("replay/1", HUB_JSON, "perSecond", { atLeast: 2e6 }),
  target("replay/live", "beside 100 binary replays", "p99Us", within(2, "alone")),
  target("replay/live", "beside 100 JSON replays", "p99Us", within(2, "alone")),
  target("idle/10000", HUB, "connectionBytes", { atMost: 3_500 }),
  target("idle/10000", HUB_ON_WS, "connectionBytes", { atMost: 12_000 }),
  target("idle/10000", HUB, "perSecond", { atLeast: 10_000 }),
  target("idle/10000", HUB, "baseBytes", { atMost: 90e6 }),
  target("slow/one", HUB, "stalledBytes", { atMost: 80 * KIB }),
  target("slow/one", HUB_JSON, "stalledBytes", { atMost: 160 * KIB }),
  target("slow/tenth", HUB, "stalledBytes", { atMost: 80 * KIB }),
  target("slow/tenth", HUB, "arrivedShare", { atLeast: 1 }),
  target("slow/tenth", HUB, "healthyShare", { atLeast: 0.95 }),
  target("slow/tenth", HUB_JSON, "stalledBytes", { atMost: 160 * KIB }),
  target("slow/tenth", HUB_JSON, "arrivedShare", { atLeast: 1 }),
  target("slow/tenth", HUB_JSON, "healthyShare", { atLeast: 0.95 }),
  target("storm/5000", HUB, "wallMs", { atMost: 400 }),
  target("storm/5000", HUB, "cpuNs", { atMost: 75_000 }),
  target("topics/100000", HUB, "eachBytes", { atMost: KIB }),
];

/** The servers that a target is about: the one that it binds, and those that it is compared with. */
export function namesIn({ contender, conditions }: Target): readonly string[] {
  const others = conditions.map((each) => ("asGoodAs" in each ? each.asGoodAs : "of" in each ? each.of : undefined));
  return [contender, ...others.filter((name) => name !== undefined)];
}
