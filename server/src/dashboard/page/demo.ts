/** The demo's page: puts the parts together and listens to its buttons. */
import { connect, RingcastError, type ConnectionState, type Hub, type Message } from "@ringcast/client";
import { isQuake, QUAKES_TOPIC } from "../quake.js";
import { accessHeaders, enter } from "./access.js";
import { byId, make, notify, oncePerFrame, setText } from "./dom.js";
import { keep, readKept, type Positions } from "./kept.js";
import { CLASS_NAMES } from "./magnitude.js";
import { countText } from "./moments.js";
import { Player, type DemoTopics } from "./player.js";
import type { Topology } from "./projection.js";
import { RunView } from "./run-view.js";
import { Scrubber } from "./scrubber.js";
import { Timeline } from "./timeline.js";

/** Records that the line over the log's time reaches back; more than the default capacity holds. */
const LINE_RECORDS = 50_000;
const LINE_WINDOW = 4096;
const REFRESH_MS = 200;

const timeline = new Timeline();
const heads = new Map<number, number>();
const view = new RunView((message) => player.beginAt(message));
const hub = await enterHub();
const refresh = oncePerFrame(refreshPage);
const player = new Player(hub, {
  show: (message, options) => view.show(message, options),
  tellGap: (gap) => view.tellGap(gap),
  clear: () => view.clear(),
  changed: () => refresh(),
});
const scrubber = new Scrubber(timeline, (timeMs) => {
  if (timeMs === undefined) player.goLive();
  else player.playFrom(timeMs);
});

showLegend();
void loadLand();
listen();
void readLine();
player.start(readKept());
setInterval(refresh, REFRESH_MS);
setInterval(keepPlace, REFRESH_MS);

async function enterHub(): Promise<Hub<DemoTopics>> {
  const token = await enter(() => tellConnection("connecting", "waiting for the hub"));
  const url = new URL("/", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return connect<DemoTopics>(url.href, token === undefined ? {} : { token });
}

function listen(): void {
  let wasLost = false;
  hub.on("state", ({ state, reason }) => {
    if (state === "closed" && reason?.code === "unauthorized") {
      location.reload();
      return;
    }
    if (state === "reconnecting" && !wasLost)
      notify("The connection is lost. The page goes on where it was as soon as the hub is back.", "bad");
    if (state === "connected" && wasLost) notify("Connected again, reading on at the same offset.", "good");
    wasLost = state === "reconnecting" || (wasLost && state !== "connected");
    refresh();
  });
  byId("replay", HTMLButtonElement).addEventListener("click", () => void replay());
  byId("live", HTMLButtonElement).addEventListener("click", () => player.goLive());
  byId("pause", HTMLButtonElement).addEventListener("click", () => {
    if (player.isPaused) player.resume();
    else player.pause();
  });
  addEventListener("pagehide", keepPlace);
}

function keepPlace(): void {
  if (Object.keys(player.next).length > 0) keep(player.kept);
}

/** Follows the whole topic for the line over the log's time, and to know how far its head is. */
async function readLine(): Promise<void> {
  const onGap = ({ reason }: { reason: string }) => {
    if (reason !== "epoch" && reason !== "deleted") return;
    timeline.clear();
    heads.clear();
  };
  await learnHeads();
  for await (const message of hub.subscribe(QUAKES_TOPIC, {
    from: { last: LINE_RECORDS },
    window: LINE_WINDOW,
    onGap,
  })) {
    addToLine(message);
  }
}

/** Asks how far the log is, so that a page that stands far behind knows it before the line has come there. */
async function learnHeads(): Promise<void> {
  try {
    const { partitions } = await hub.topic(QUAKES_TOPIC);
    for (const { partition, head } of partitions) heads.set(partition, head);
  } catch (error) {
    if (!(error instanceof RingcastError) || error.code !== "unknown_topic") throw error;
  }
}

function addToLine({ data, timestamp, partition, offset }: Message): void {
  const mark = isQuake(data)
    ? { magnitude: data.magnitude, quakeTime: data.time }
    : { magnitude: 0, quakeTime: undefined };
  timeline.add({ timestamp, ...mark });
  heads.set(partition, Math.max(heads.get(partition) ?? 0, offset + 1));
}

function refreshPage(): void {
  const next = sumOf(player.next);
  const head =
    heads.size === 0
      ? undefined
      : Math.max(
          next ?? 0,
          [...heads.values()].reduce((sum, each) => sum + each, 0),
        );
  const behind = (head ?? 0) - (next ?? 0);
  if (player.isBack && !player.isPaused && behind === 0 && next !== undefined) player.goLive();
  view.tellNumbers(next, head, player.integrity);
  scrubber.show(Date.now(), player.playedMs);
  tellState(hub.state, behind);
}

function tellState(state: ConnectionState, behind: number): void {
  const isLive = state === "connected" && !player.isBack && !player.isPaused;
  byId("live", HTMLButtonElement).setAttribute("aria-pressed", `${isLive}`);
  const pause = byId("pause", HTMLButtonElement);
  pause.setAttribute("aria-pressed", `${player.isPaused}`);
  setText(pause, player.isPaused ? "Play" : "Pause");
  byId("replay", HTMLButtonElement).disabled = state !== "connected";
  if (state !== "connected") {
    tellConnection(state === "closed" ? "closed" : "connecting", state);
    return;
  }
  if (player.isPaused) {
    tellConnection("behind", `paused, ${countText(behind)} behind`);
    return;
  }
  if (player.isBack) {
    tellConnection("behind", `playing, ${countText(behind)} behind`);
    return;
  }
  tellConnection("open", "live");
}

function tellConnection(state: string, text: string): void {
  byId("connection", HTMLElement).dataset["state"] = state;
  setText(byId("connection-text", HTMLElement), text);
}

async function replay(): Promise<void> {
  const speed = Number(byId("speed", HTMLSelectElement).value);
  const headers = { "Content-Type": "application/json", ...accessHeaders() };
  try {
    const answer = await fetch("/demo/replay", { method: "POST", headers, body: JSON.stringify({ speed }) });
    if (!answer.ok) notify(((await answer.json()) as { message: string }).message, "bad");
    else player.goLive();
  } catch {
    notify("The hub can't be reached. Try again when it is back.", "bad");
  }
}

async function loadLand(): Promise<void> {
  const answer = await fetch("/assets/demo/world-110m.json");
  view.map.setLand((await answer.json()) as Topology);
}

function showLegend(): void {
  const entries = CLASS_NAMES.map((name, index) => {
    const entry = make("li", "");
    entry.dataset["class"] = `${index}`;
    entry.append(make("i", ""), name);
    return entry;
  });
  byId("legend", HTMLElement).replaceChildren(...entries);
}

/** Sum of the offsets of all partitions; undefined where there is none. */
function sumOf(positions: Positions): number | undefined {
  const offsets = Object.values(positions).map(({ offset }) => offset);
  return offsets.length === 0 ? undefined : offsets.reduce((sum, offset) => sum + offset, 0);
}
