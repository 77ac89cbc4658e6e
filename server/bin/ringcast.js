#!/usr/bin/env node
import { run } from "../dist/cli/index.js";
const serve = async (loaded) => (await import("../dist/main.js")).serve(loaded);
process.exitCode = await run(process.argv.slice(2), { serve });
