import { connect } from "@ringcast/client";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "../support/chromium.js";
import { until } from "../support/until.js";
import { useBrowserPage } from "./browser-page.js";

describeInBrowser("the hooks for React, under StrictMode", () => {
  const inBrowser = useBrowserPage("react-page.ts");

  test("render each message once, in order, the newest of them as many as asked for", async () => {
    await using hub = await inBrowser.startHub();
    await using publisher = connect(hub.wsUrl);
    await publisher.publishMany("orders", numbers(30));
    const page = await inBrowser.open(hub);
    await untilText(page, "#orders", offsets(0, 30));
    await publisher.publishMany("orders", numbers(40));
    await untilText(page, "#orders", offsets(20, 70));
    expect(await page.getAttribute("#orders", "data-status")).toBe("open");
    await page.close();
  });

  test("show the newest message, and what can't be read as an error", async () => {
    await using hub = await inBrowser.startHub();
    await using publisher = connect(hub.wsUrl);
    for (const value of [1, 2, 3]) await publisher.publish("prices", { value });
    const page = await inBrowser.open(hub);
    await untilText(page, "#price", "3");
    await publisher.publish("prices", { value: 4 });
    await untilText(page, "#price", "4");
    await untilText(page, "#broken", "invalid_topic");
    expect(await page.getAttribute("#broken", "data-status")).toBe("failed");
    await page.close();
  });

  test("subscribe once while mounted, whatever is rendered, and end it when unmounted", async () => {
    await using hub = await inBrowser.startHub();
    const page = await inBrowser.open(hub);
    const subscriptions = async (): Promise<number> => {
      const text = await (await fetch(`${hub.url}/metrics`)).text();
      const { total } = /^ringcast_subscriptions(?:\{.*?\})? (?<total>\d+)$/m.exec(text)?.groups ?? {};
      return Number(total);
    };
    await until("both topics are subscribed", async () => (await subscriptions()) === 2);
    for (let n = 0; n < 3; n++) await page.click("#render");
    await untilText(page, "#render", "3");
    expect(await subscriptions()).toBe(2);
    await page.click("#toggle");
    await until("nothing is subscribed", async () => (await subscriptions()) === 0);
    await page.close();
  });

  test("tell the state of the connection, and go on without a repeat after an outage", async () => {
    await using hub = await inBrowser.startHub();
    await using publisher = connect(hub.wsUrl);
    await publisher.publishMany("orders", numbers(5));
    const page = await inBrowser.open(hub);
    await untilText(page, "#orders", offsets(0, 5));
    await hub.kill();
    await page.waitForSelector('main[data-state="reconnecting"]', { state: "attached" });
    await hub.restart();
    await page.waitForSelector('main[data-state="connected"]', { state: "attached" });
    await publisher.publishMany("orders", numbers(5));
    await untilText(page, "#orders", offsets(0, 10));
    expect(await page.getAttribute("#orders", "data-gaps")).toBe("0");
    await page.close();
  });
});

function numbers(count: number): { data: number }[] {
  return Array.from({ length: count }, (_, data) => ({ data }));
}

function offsets(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => from + index).join(" ");
}

async function untilText(page: Page, selector: string, expected: string): Promise<void> {
  await until(`${selector} says ${expected}`, async () => (await page.textContent(selector)) === expected);
}
