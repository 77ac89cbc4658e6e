/** T: names, table in cases/topics.ts. */
import { FASTEST } from "../support/transports.js";
import { describeCases } from "./case.js";
import { MAX_TOPICS, TOPIC_STORIES, TOPICS } from "./cases/topics.js";
import { doorsOf, leavesNoTrace } from "./session.js";

describeCases("a topic's name", [...doorsOf(TOPICS), ...TOPIC_STORIES], {
  args: ["--max-topics", String(MAX_TOPICS)],
  transports: FASTEST,
  finally: leavesNoTrace,
});
