/** What a case may leave behind: nothing stored, nothing echoed that could do harm elsewhere, and one count for each refusal. */
import { Agent } from "node:http";
import { expect } from "vitest";
import { readExposition } from "../support/exposition.js";
import { ask, type HttpAnswer } from "../support/http-request.js";
import type { TestHub } from "../support/hub.js";
import { BYSTANDER_TOPIC } from "./bystander.js";

type Hub = Pick<TestHub, "port">;
type Headers = Readonly<Record<string, string>>;

/** What a refused request may not put on a terminal or into a log: controls, line ends of any kind, what has no width or turns the direction of text. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** What is shown of a value is cut; each of its characters may be an escape. */
const LONGEST_MESSAGE = 600;
const COUNTER = "ringcast_rejected_requests_total";

/** For requests by the thousand: what looks after a case, not what is looked at. */
const agent = new Agent({ keepAlive: true, maxSockets: 2 });

function look(hub: Hub, path: string, headers: Headers, method = "GET"): Promise<HttpAnswer> {
  return ask(hub, path, { method, headers, agent });
}

/** Topics with their heads, but for the bystander's: `name 0 0`. */
export async function storedIn(hub: Hub, headers: Headers = {}): Promise<readonly string[]> {
  const names = await topicsOf(hub, headers);
  return Promise.all(names.map(async (name) => `${name} ${(await headsOf(hub, name, headers)).join(" ")}`));
}

/** Deletes all topics but the bystander's. */
export async function wipe(hub: Hub, headers: Headers = {}): Promise<void> {
  for (const name of await topicsOf(hub, headers)) await look(hub, pathOf(name), headers, "DELETE");
}

async function topicsOf(hub: Hub, headers: Headers): Promise<string[]> {
  const { json } = await look(hub, "/v1/topics?limit=1000", headers);
  return (json["topics"] as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !name.startsWith(BYSTANDER_TOPIC));
}

async function headsOf(hub: Hub, name: string, headers: Headers): Promise<number[]> {
  const { json } = await look(hub, pathOf(name), headers);
  return (json["partitions"] as { head: number }[]).map(({ head }) => head);
}

function pathOf(topic: string): string {
  return `/v1/topics/${encodeURIComponent(topic)}`;
}

/** An error's text and details can be printed anywhere. */
export function expectSafeEcho(message: unknown, details: unknown): void {
  expect(message).toBeTypeOf("string");
  const text = `${String(message)}${JSON.stringify(details ?? {})}`;
  expect(text).not.toMatch(UNSAFE);
  expect(text.length).toBeLessThan(LONGEST_MESSAGE);
}

/** What a hub wrote so far can be printed anywhere. */
export function expectSafeLog(hub: Pick<TestHub, "output">): void {
  expect(hub.output().stderr.replaceAll("\n", "")).not.toMatch(UNSAFE);
}

/** Refusals that clients were told, by hub: `websocket bad_request` → 3. */
const told = new WeakMap<Hub, Map<string, number>>();

/** Notes that a client was told an error; over HTTP, whether by a route or by the transport before it. */
export function noteRefusal(hub: Hub, via: "websocket" | "http", code: string): void {
  const counts = told.get(hub) ?? new Map<string, number>();
  told.set(hub, counts.set(`${via} ${code}`, (counts.get(`${via} ${code}`) ?? 0) + 1));
}

/** Each refusal that a client was told stands in the metrics once. */
export async function expectAllCounted(hub: Hub, headers: Headers = {}): Promise<void> {
  const samples = readExposition((await ask(hub, "/metrics", { headers })).text).get(COUNTER)?.samples;
  const counted = new Map<string, number>();
  for (const [series, count] of samples ?? []) {
    const [, code = "", via = ""] = /code="(\w+)",via="(\w+)"/.exec(series) ?? [];
    const name = `${via === "transport" ? "http" : via} ${code}`;
    counted.set(name, (counted.get(name) ?? 0) + count);
  }
  expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(told.get(hub) ?? []));
}
