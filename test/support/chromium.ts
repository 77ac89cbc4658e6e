import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Path of the browser: `RINGCAST_CHROMIUM`, or where distributions put it; undefined where there is none. */
export function chromiumPath(): string | undefined {
  return process.env["RINGCAST_CHROMIUM"] ?? CANDIDATES.find((path) => existsSync(path));
}

/** Starts a headless browser that asks nothing of the outside world. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error("No Chromium: apt-get install chromium, or set RINGCAST_CHROMIUM.");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
