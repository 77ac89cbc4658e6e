/** All scenarios, in the order in which they run and stand in the tables. */
import { churn } from "./churn.js";
import { fanout } from "./fanout.js";
import { growth } from "./growth.js";
import { idle } from "./idle.js";
import { ingest } from "./ingest.js";
import { latency } from "./latency.js";
import { multiplex } from "./multiplex.js";
import { replay } from "./replay.js";
import type { Scenario } from "./scenario.js";
import { slow } from "./slow.js";
import { storm } from "./storm.js";
import { tls } from "./tls.js";
import { topics } from "./topics.js";

export const SCENARIOS: readonly Scenario[] = [
  fanout,
  latency,
  multiplex,
  ingest,
  replay,
  idle,
  slow,
  storm,
  topics,
  churn,
  growth,
  tls,
];
