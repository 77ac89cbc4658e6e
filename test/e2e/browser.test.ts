import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInBrowser, launchChromium } from "../support/chromium.js";
import { startHub, type TestHub } from "../support/hub.js";
import { until } from "../support/until.js";

const WEEK = 1707;
const TOKEN = "e2e-token-of-more-than-thirty-two-characters";
/** Hours a second: the week in some three seconds. */
const FAST = 60;
/** So slow that the feed doesn't end while something is looked at. */
const SLOW = 5;
const TIMEOUT_MS = 40_000;

describeInBrowser("the pages in a browser", { timeout: TIMEOUT_MS }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
  });

  /** A tab in a session of its own, which fails the test on an error of the page's script. */
  async function openPage(url: string, errors: string[] = []): Promise<Page> {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(url);
    return page;
  }

  test("draws the quakes of an empty hub within seconds, live", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    const errors: string[] = [];
    const page = await openPage(`${hub.url}/demo`, errors);
    await untilAtLeast(page, "#shown", 20);
    const before = await numberOf(page, "#next-offset");
    await untilAtLeast(page, "#next-offset", before + 20);
    expect(await textOf(page, "#connection-text")).toBe("live");
    expect(await textOf(page, "#integrity")).toBe("0 / 0");
    expect(await page.locator("#latest li[data-offset]").count()).toBeGreaterThan(10);
    expect(await page.locator("#map").getAttribute("aria-label")).toMatch(/^World map with \d+ quakes/);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test("is at the same offset after a reload, with the picture drawn again, and misses nothing after it", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    await replay(hub, FAST);
    const page = await openPage(`${hub.url}/demo`);
    await untilAtLeast(page, "#shown", 200);
    await replay(hub, SLOW);
    await page.click("#pause");
    await until("the page is paused", async () => (await textOf(page, "#connection-text")).startsWith("paused"));
    const kept = await offsetKept(page);
    await untilHead(hub, kept + 50);
    await page.reload();
    await untilAtLeast(page, "#next-offset", kept);
    // It stands where it stood, although the hub has gone on.
    await until("it is paused again", async () => (await textOf(page, "#connection-text")).startsWith("paused"));
    expect(await numberOf(page, "#next-offset")).toBe(kept);
    await page.click("#pause");
    await untilAtLeast(page, "#next-offset", kept + 10);
    await replay(hub, FAST);
    await page.click("#live");
    await untilShownAll(page);
    expect(await textOf(page, "#integrity")).toBe("0 / 0");
    await page.context().close();
  });

  test("shows the same in a second tab", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    const first = await openPage(`${hub.url}/demo`);
    await untilAtLeast(first, "#shown", 5);
    await replay(hub, 1000);
    await untilShownAll(first);
    const second = await openPage(`${hub.url}/demo`);
    await untilShownAll(second);
    for (const selector of ["#strongest", "#next-offset", "#clock-time", "#clock-date"]) {
      expect(await textOf(second, selector)).toBe(await textOf(first, selector));
    }
    expect(await second.locator("#latest li").first().textContent()).toBe(
      await first.locator("#latest li").first().textContent(),
    );
    await first.context().close();
    await second.context().close();
  });

  test("goes on by itself without loss or repeat when the hub is killed in mid-stream and started again", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    await replay(hub, FAST);
    const page = await openPage(`${hub.url}/demo`);
    await untilAtLeast(page, "#shown", 150);
    await hub.kill();
    await until("the page tells of it", async () => (await textOf(page, "#connection-text")) === "reconnecting");
    const seen = await numberOf(page, "#next-offset");
    await hub.restart();
    await untilAtLeast(page, "#next-offset", seen + 100);
    // The hub goes on with the replay that was cut off, up to the last quake.
    await untilShownAll(page);
    expect(await textOf(page, "#integrity")).toBe("0 / 0");
    expect(await textOf(page, "#connection-text")).toBe("live");
    await page.context().close();
  });

  test("plays from a past moment of the log that the slider chose, and goes live again", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    await replay(hub, 24);
    const page = await openPage(`${hub.url}/demo`);
    await untilAtLeast(page, "#shown", 400);
    await page.locator("#scrubber").evaluate((slider: HTMLInputElement) => {
      slider.value = String(Number(slider.max) / 3);
      slider.dispatchEvent(new Event("input"));
      slider.dispatchEvent(new Event("change"));
    });
    await until("the page plays the past", async () => (await textOf(page, "#connection-text")).startsWith("playing"));
    await untilAtLeast(page, "#shown", 1);
    await page.click("#live");
    await until("it is live", async () => (await textOf(page, "#connection-text")) === "live");
    const head = await headOf(hub);
    await untilAtLeast(page, "#next-offset", head);
    // What came before the chosen moment is not in the picture.
    expect(await numberOf(page, "#shown")).toBeLessThan((await numberOf(page, "#next-offset")) - 50);
    expect(await textOf(page, "#integrity")).toBe("0 / 0");
    await page.context().close();
  });

  test("starts the replay by its button, at the speed that was chosen", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    const page = await openPage(`${hub.url}/demo`);
    await untilAtLeast(page, "#shown", 60);
    // The new run begins here or behind it, and wipes the map.
    const before = await headOf(hub);
    await noteFall(page, "#shown");
    await page.selectOption("#speed", "24");
    await page.click("#replay");
    await until("the new run has begun", async () => (await replayState(hub)).speed === 24);
    await until("it is shown from its start", async () => (await page.locator("#shown[data-fell]").count()) === 1);
    await untilAtLeast(page, "#shown", before);
    expect(await headOf(hub)).toBeGreaterThanOrEqual(2 * before);
    await page.context().close();
  });

  // What follows keeps neither page nor hub busy.
  test.concurrent("asks for the token where the hub wants one, and keeps it over a reload", async () => {
    await using hub = await startHub({ args: ["--demo"], env: { RINGCAST_TOKEN: TOKEN } });
    const page = await openPage(`${hub.url}/demo`);
    await page.fill("#token", "wrong");
    await page.click("#token-form button");
    await until("the refusal is told", async () => (await textOf(page, "#token-error")) !== "");
    await page.fill("#token", TOKEN);
    await page.click("#token-form button");
    await untilAtLeast(page, "#shown", 5);
    await page.reload();
    await untilAtLeast(page, "#shown", 5);
    expect(await page.locator("#token-dialog").isVisible()).toBe(false);
    expect(page.url()).not.toContain(TOKEN);
    await page.context().close();
  });

  test.concurrent("tells the state of the hub and its topics at /", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    const errors: string[] = [];
    const page = await openPage(hub.url, errors);
    await until("it is ready", async () => (await textOf(page, "#connection-text")) === "ready");
    await page.locator("#topics td", { hasText: "quakes" }).waitFor();
    await page.locator("#topics td.busy").waitFor();
    await page.click("#demo-link");
    await untilAtLeast(page, "#shown", 1);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test.concurrent("shows text of strangers as text", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    await replay(hub, 1000);
    const page = await openPage(`${hub.url}/demo`);
    await untilShownAll(page);
    const place = `<img src=x onerror="document.title='run'">`;
    const data = { id: "x1", magnitude: 9, place, time: 1, longitude: 0, latitude: 0, depthKm: 1, type: "earthquake" };
    await post(`${hub.url}/v1/topics/quakes/messages`, { data });
    await post(`${hub.url}/v1/topics/quakes/messages`, { data: { id: 7, place: null } });
    await until("both have come", async () => (await textOf(page, "#shown-note")) === "and 1 other messages");
    expect(await page.locator("#strongest .place").first().textContent()).toBe(place);
    expect(await page.title()).toBe("Earthquakes · Ringcast");
    await page.context().close();
  });

  test.concurrent("fits small and large windows, light and dark, without a horizontal scroll bar", async () => {
    await using hub = await startHub({ args: ["--demo"] });
    for (const [width, height] of [
      [1280, 800],
      [390, 844],
    ] as const) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: "dark" });
      const page = await context.newPage();
      for (const path of ["/", "/demo"]) {
        await page.goto(hub.url + path);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow, `${path} at ${width}`).toBeLessThanOrEqual(0);
      }
      await context.close();
    }
  });

  test.concurrent("serves the SDK to a plain page of a listed origin, without a bundler", async () => {
    await using site = await startSite();
    await using hub = await startHub({ args: ["--allowed-origins", site.origin] });
    site.html = `<!doctype html><title>plain</title><output></output><script type="module">
      import { connect } from "${hub.url}/sdk/ringcast.js";
      const hub = connect("${hub.url.replace("http", "ws")}");
      await hub.publish("plain", { text: "hi" }, { key: "k" });
      for await (const message of hub.subscribe("plain", { from: "earliest" })) {
        document.querySelector("output").textContent = message.offset + " " + message.data.text;
        break;
      }
    </script>`;
    const page = await openPage(site.origin);
    await until("the message is there", async () => (await textOf(page, "output")) === "0 hi");
    await page.context().close();
  });

  test.concurrent("refuses the socket to a page of an origin that is not listed", async () => {
    await using site = await startSite();
    await using hub = await startHub();
    site.html = `<!doctype html><title>foreign</title><output></output><script type="module">
      const socket = new WebSocket("${hub.wsUrl}");
      socket.onopen = () => (document.querySelector("output").textContent = "open");
      socket.onclose = () => (document.querySelector("output").textContent ||= "refused");
    </script>`;
    const page = await openPage(site.origin);
    await until("it is decided", async () => (await textOf(page, "output")) !== "");
    expect(await textOf(page, "output")).toBe("refused");
    await page.context().close();
  });
});

/** A web server of somebody else, with one page. */
async function startSite(): Promise<AsyncDisposable & { readonly origin: string; html: string }> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end(site.html);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const site = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    html: "",
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return site;
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.textContent(selector)) ?? "";
}

/** Marks a number's element once it has become smaller: on a busy machine it may have grown again before anybody looks. */
async function noteFall(page: Page, selector: string): Promise<void> {
  await page.locator(selector).evaluate((element) => {
    const read = (): number => Number(element.textContent.replace(/\D/g, ""));
    let last = read();
    const look = (): void => {
      if (read() < last) element.setAttribute("data-fell", "");
      last = read();
    };
    new MutationObserver(look).observe(element, { childList: true, characterData: true, subtree: true });
  });
}

/** A number as the page writes it, `1,707`; NaN where it shows none. */
async function numberOf(page: Page, selector: string): Promise<number> {
  return Number((await textOf(page, selector)).replaceAll(",", "").replace("–", "NaN"));
}

async function untilAtLeast(page: Page, selector: string, least: number): Promise<void> {
  await until(`${selector} is ${least} or more`, async () => (await numberOf(page, selector)) >= least, 25_000);
}

async function untilShownAll(page: Page): Promise<void> {
  await until("the page shows the whole week", async () => (await numberOf(page, "#shown")) === WEEK, 25_000);
}

/** What the tab would go on with after a reload. */
async function offsetKept(page: Page): Promise<number> {
  return page.evaluate(() => {
    window.dispatchEvent(new Event("pagehide"));
    const text = sessionStorage.getItem("ringcast.demo.position") ?? "";
    return (JSON.parse(text) as { next: Record<string, { offset: number }> }).next["0"]?.offset ?? NaN;
  });
}

async function post(url: string, body: unknown): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  expect(answer.ok, await answer.text()).toBe(true);
}

async function replay(hub: TestHub, speed: number): Promise<void> {
  await post(`${hub.url}/demo/replay`, { speed });
}

async function replayState(hub: TestHub): Promise<{ speed: number }> {
  return (await (await fetch(`${hub.url}/demo/replay`)).json()) as { speed: number };
}

async function headOf(hub: TestHub): Promise<number> {
  const answer = await fetch(`${hub.url}/v1/topics/quakes`);
  return ((await answer.json()) as { partitions: { head: number }[] }).partitions[0]?.head ?? 0;
}

async function untilHead(hub: TestHub, least: number): Promise<void> {
  await until(`the head is ${least} or more`, async () => (await headOf(hub)) >= least, 20_000);
}
