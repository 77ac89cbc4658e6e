/** M and B: the binary dialect, tables in cases/msgpack.ts and cases/binary-publish.ts. */
import { FASTEST } from "../support/transports.js";
import { describeCases } from "./case.js";
import { BINARY_PUBLISH, BINARY_SWEEPS } from "./cases/binary-publish.js";
import { MSGPACK } from "./cases/msgpack.js";
import { doorsOf, leavesNoTrace } from "./session.js";

describeCases("msgpack", doorsOf(MSGPACK), { transports: FASTEST, finally: leavesNoTrace });

describeCases("a batch frame", [...doorsOf(BINARY_PUBLISH), ...BINARY_SWEEPS], {
  transports: FASTEST,
  finally: leavesNoTrace,
});
