/** J: requests, tables in cases/requests.ts and cases/reading.ts. */
import { FASTEST } from "../support/transports.js";
import { describeCases } from "./case.js";
import { MAX_SUBSCRIPTIONS, READING, READING_STORIES } from "./cases/reading.js";
import { REQUESTS } from "./cases/requests.js";
import { doorsOf, leavesNoTrace } from "./session.js";

const args = ["--max-subscriptions", String(MAX_SUBSCRIPTIONS)];

describeCases("a request", [...doorsOf([...REQUESTS, ...READING]), ...READING_STORIES], {
  args,
  transports: FASTEST,
  finally: leavesNoTrace,
});
