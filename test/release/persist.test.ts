import { connect } from "@ringcast/client";
import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "../support/chromium.js";
import type { TestHub } from "../support/hub.js";
import { until } from "../support/until.js";
import { useBrowserPage } from "./browser-page.js";
import type { PersistPage } from "./pages/persist-page.js";

declare const window: { readonly page?: PersistPage };

describeInBrowser("a store that outlives its page", () => {
  const inBrowser = useBrowserPage("persist-page.ts");
  const open = async (context: BrowserContext, hub: TestHub): Promise<Page> => {
    const page = await inBrowser.open(hub, context);
    await isUp(page);
    return page;
  };

  /** Two pages of one browser, whose hub has died. */
  const openTwo = async (hub: TestHub) => {
    const context = await inBrowser.newContext();
    const first = await open(context, hub);
    const second = await open(context, hub);
    await hub.kill();
    return { context, first, second };
  };

  test("sends what was published offline once, in order, although the page was reloaded meanwhile", async () => {
    await using hub = await inBrowser.startHub();
    const context = await inBrowser.newContext();
    const page = await open(context, hub);
    await hub.kill();
    await page.evaluate(() => window.page?.publish(0, 100));
    await untilKept(page, 100);
    await page.reload();
    await isUp(page);
    await page.evaluate(() => window.page?.publish(100, 120));
    await untilKept(page, 120);
    await hub.restart();
    await untilKept(page, 0);
    expect(await storedNumbers(hub)).toEqual(numbers(120));
    await context.close();
  });

  test("stores nothing twice when pages are reloaded in the middle of publishing", async () => {
    await using hub = await inBrowser.startHub();
    const context = await inBrowser.newContext();
    const page = await open(context, hub);
    for (let round = 0; round < 4; round++) {
      await page.evaluate((from) => window.page?.publish(from, from + 300), round * 300);
      await page.waitForFunction(() => (window.page?.acknowledged() ?? 0) > 20);
      await page.reload();
      await isUp(page);
    }
    await untilKept(page, 0);
    expect(await storedNumbers(hub)).toEqual(numbers(1_200));
    await context.close();
  });

  test("gives two pages outboxes of their own, and a page that stays what a closed one has left", async () => {
    await using hub = await inBrowser.startHub();
    const { context, first, second } = await openTwo(hub);
    await first.evaluate(() => window.page?.publish(0, 10));
    await second.evaluate(() => window.page?.publish(100, 110));
    await untilKept(first, 20);
    await second.close();
    await first.reload();
    await isUp(first);
    await hub.restart();
    await untilKept(first, 0);
    await expectInOrder(hub, { below100: 10, from100: 10 });
    await context.close();
  });

  test("gives a page that stays what another leaves that was open when it came", async () => {
    await using hub = await inBrowser.startHub();
    const { context, first, second } = await openTwo(hub);
    await second.evaluate(() => window.page?.publish(0, 10));
    await untilKept(first, 10);
    await first.reload();
    await isUp(first);
    await first.evaluate(() => window.page?.publish(100, 105));
    await untilKept(first, 15);
    await second.close();
    await hub.restart();
    await untilKept(first, 0);
    await expectInOrder(hub, { below100: 10, from100: 5 });
    await context.close();
  });

  test("goes on reading exactly behind the last message, reload after reload", async () => {
    await using hub = await inBrowser.startHub();
    await using publisher = connect(hub.wsUrl);
    const context = await inBrowser.newContext();
    const page = await open(context, hub);
    await publisher.publishMany(
      "orders",
      numbers(400).map((data) => ({ data })),
    );
    for (let round = 1; round <= 4; round++) {
      await page.evaluate(() => window.page?.read());
      await page.waitForFunction((least) => (localStorage.getItem("read") ?? "").split(" ").length > least, round * 60);
      await page.reload();
      await isUp(page);
    }
    await page.evaluate(() => window.page?.read());
    await until("everything is read", async () => (await readOffsets(page)).at(-1) === 399);
    const read = await readOffsets(page);
    expect([...new Set(read)]).toEqual(numbers(400));
    // A message is read again only where the page went away before its position was written.
    expect(read.length).toBeLessThanOrEqual(400 + 4);
    expect(read).toEqual(read.toSorted((a, b) => a - b));
    await context.close();
  });

  test("lets one page at a time read under a name; the next goes on when it is gone", async () => {
    await using hub = await inBrowser.startHub();
    await using publisher = connect(hub.wsUrl);
    const context = await inBrowser.newContext();
    const first = await open(context, hub);
    const second = await open(context, hub);
    await publisher.publishMany(
      "orders",
      numbers(50).map((data) => ({ data })),
    );
    await first.evaluate(() => window.page?.read());
    await until("the first page has read", async () => (await readOffsets(first)).length === 50);
    await second.evaluate(() => window.page?.read());
    expect(await second.evaluate(() => window.page?.isReading())).toBe(false);
    await first.close();
    await second.waitForFunction(() => window.page?.isReading());
    await publisher.publishMany(
      "orders",
      numbers(50).map((data) => ({ data })),
    );
    await until("the second page has read", async () => (await readOffsets(second)).at(-1) === 99);
    expect(new Set(await readOffsets(second))).toEqual(new Set(numbers(100)));
    await context.close();
  });
});

async function isUp(page: Page): Promise<void> {
  await page.waitForFunction(() => window.page !== undefined);
}

/** Waits until the origin's outboxes hold so many publishes. */
async function untilKept(page: Page, count: number): Promise<void> {
  await until(`the outbox holds ${count} publishes`, async () => (await keptIn(page)) === count, 20_000);
}

function keptIn(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open("ringcast:shop");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(new Error("no database"));
    });
    const count = await new Promise<number>((resolve) => {
      const request = database.transaction("publishes").objectStore("publishes").count();
      request.onsuccess = () => resolve(request.result);
    });
    database.close();
    return count;
  });
}

/** What each of two pages has published is there, once and in its order; how the two are mixed doesn't matter. */
async function expectInOrder(
  hub: TestHub,
  { below100, from100 }: { readonly below100: number; readonly from100: number },
): Promise<void> {
  const stored = await storedNumbers(hub);
  expect(stored.filter((n) => n < 100)).toEqual(numbers(below100));
  expect(stored.filter((n) => n >= 100)).toEqual(numbers(from100).map((n) => n + 100));
}

async function storedNumbers(hub: TestHub): Promise<number[]> {
  const stored: number[] = [];
  let next = 0;
  let head = 1;
  while (next < head) {
    const url = `${hub.url}/v1/topics/orders/messages?from=${next}&limit=1000`;
    const page = (await (await fetch(url)).json()) as {
      messages: { data: { n: number } }[];
      next: number;
      head: number;
    };
    stored.push(...page.messages.map(({ data }) => data.n));
    ({ next, head } = page);
  }
  return stored;
}

async function readOffsets(page: Page): Promise<number[]> {
  const text = await page.evaluate(() => localStorage.getItem("read") ?? "");
  return text.split(" ").filter(Boolean).map(Number);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
