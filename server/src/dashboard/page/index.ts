/** The hub's own page: its state, its pages, its topics as they grow. */
import type { TopicDescription } from "@ringcast/protocol";
import { accessHeaders, enter } from "./access.js";
import { byId, setText } from "./dom.js";
import { countText } from "./moments.js";
import { TopicsTable } from "./topics-table.js";

/** Answer of `GET /v1/topics`. */
interface TopicsPage {
  readonly topics: readonly { readonly name: string }[];
  readonly next: string | null;
}

const REFRESH_MS = 2000;
/** Topics that are shown; a hub may have a million. */
const SHOWN = 50;

const table = new TopicsTable();

showCommands();
void showDemoLink();
await enter(() => tellState("connecting", "waiting for the hub"));
for (;;) {
  await refresh();
  await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
}

/** Asks the hub for everything; one that doesn't answer is told by the state, and asked again. */
async function refresh(): Promise<void> {
  if (document.hidden) return;
  try {
    const ready = await fetch("/readyz");
    tellState(ready.ok ? "open" : "connecting", ready.ok ? "ready" : "not ready");
    const page = await ask<TopicsPage>(`/v1/topics?limit=${SHOWN}`);
    const described = await Promise.all(page.topics.map(({ name }) => describe(name)));
    const topics = described.filter((topic) => topic !== undefined);
    table.show(topics, performance.now());
    const isEmpty = topics.length === 0;
    byId("topics-empty", HTMLElement).hidden = !isEmpty;
    setText(
      byId("topics-count", HTMLElement),
      isEmpty ? "" : `${countText(topics.length)}${page.next === null ? "" : "+"}`,
    );
    const more = byId("topics-more", HTMLElement);
    more.hidden = page.next === null;
    setText(more, `The first ${SHOWN} in the order of their names. The command “ringcast topics” lists all.`);
  } catch {
    tellState("closed", "no answer from the hub");
  }
}

/** A topic; undefined when it was deleted since it was listed. */
async function describe(name: string): Promise<TopicDescription | undefined> {
  const answer = await fetch(`/v1/topics/${encodeURIComponent(name)}`, { headers: accessHeaders() });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`The hub answered ${answer.status}.`);
  return (await answer.json()) as TopicDescription;
}

async function ask<T>(path: string): Promise<T> {
  const answer = await fetch(path, { headers: accessHeaders() });
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(`The hub answered ${answer.status}.`);
  return (await answer.json()) as T;
}

function tellState(state: string, text: string): void {
  byId("connection", HTMLElement).dataset["state"] = state;
  setText(byId("connection-text", HTMLElement), text);
}

/** The demo is there only when the hub was started with it. */
async function showDemoLink(): Promise<void> {
  const answer = await fetch("/demo", { method: "HEAD" }).catch(() => undefined);
  byId("demo-link", HTMLElement).hidden = answer?.ok !== true;
}

function showCommands(): void {
  const url = location.port === "7447" ? "" : ` --url ${location.origin}`;
  setText(byId("first-publish", HTMLElement), `npx ringcast pub hello '"world"'${url}`);
  setText(
    byId("commands", HTMLElement),
    [
      `npx ringcast sub "chat.>"${url}`,
      `npx ringcast pub chat.lobby '{"text":"hi"}' --key ana${url}`,
      `npx ringcast topics${url}`,
    ].join("\n"),
  );
}
