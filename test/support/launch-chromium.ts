/** The browser, for tests and measurements. */
import { chromium, type Browser } from "playwright-core";
import { CHROMIUM, programOf } from "./system-packages.js";

/** Path of the browser: `RINGCAST_CHROMIUM`, or where distributions put it; undefined where there is none. */
export function chromiumPath(): string | undefined {
  return process.env["RINGCAST_CHROMIUM"] ?? programOf(CHROMIUM);
}

/** Starts a headless browser that asks nothing of the outside world. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) {
    throw new Error("No Chromium: apt-get install chromium, or set RINGCAST_CHROMIUM.");
  }
  return chromium.launch({ executablePath, args: QUIET_ARGUMENTS });
}

/** No sandbox (containers), and nothing that reaches for the network by itself. */
const QUIET_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
