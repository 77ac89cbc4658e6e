/** J: requests, table in cases/requests.ts. */
import { describeCases } from "./case.js";
import { REQUESTS } from "./cases/requests.js";
import { doorsOf, leavesNoTrace } from "./session.js";

describeCases("a request", doorsOf(REQUESTS), { finally: leavesNoTrace });
