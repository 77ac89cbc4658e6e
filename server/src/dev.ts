/** `npm run dev`: the command line from its sources. What is installed starts at bin/ringcast.js. */
import { run } from "./cli/index.js";
import { serve } from "./main.js";

process.exitCode = await run(process.argv.slice(2), { serve });
