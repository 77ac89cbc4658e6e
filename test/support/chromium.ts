import { describe } from "vitest";
import { chromiumPath } from "./launch-chromium.js";

export { launchChromium } from "./launch-chromium.js";

/** `describe` for what needs a browser; the set-up has said aloud when it is skipped. */
export const describeInBrowser = chromiumPath() === undefined ? describe.skip : describe;
