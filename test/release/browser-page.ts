/** A page of a program of its own in Chromium, and hubs that let it in. */
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { launchChromium } from "../support/chromium.js";
import { startHub, type TestHub } from "../support/hub.js";
import { serveProgram, type WebPage } from "../support/web-page.js";

export interface BrowserPage {
  /** A context of its own: another user, with storage that nobody else sees. */
  newContext(): Promise<BrowserContext>;
  /** Starts a hub whose allowed origin is the page's. */
  startHub(): Promise<TestHub>;
  /** Opens the page, which is to work on a hub. @param context another one than the browser's own */
  open(hub: TestHub, context?: BrowserContext): Promise<Page>;
}

/** Serves the page to all tests of a suite. @param program in `pages/` */
export function useBrowserPage(program: string): BrowserPage {
  let browser: Browser;
  let site: WebPage;
  beforeAll(async () => {
    browser = await launchChromium();
    site = await serveProgram(fileURLToPath(new URL(`pages/${program}`, import.meta.url)));
  });
  afterAll(async () => {
    await browser.close();
    await site[Symbol.asyncDispose]();
  });
  return {
    newContext: () => browser.newContext(),
    startHub: () => startHub({ args: ["--allowed-origins", site.origin] }),
    open: async (hub, context) => {
      const page = await (context ?? browser).newPage();
      await page.goto(`${site.origin}/#127.0.0.1:${hub.port}`);
      return page;
    },
  };
}
