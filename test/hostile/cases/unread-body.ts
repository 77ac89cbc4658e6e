/**
 * P8: senders of a body that is too large, who say that they want the connection closed behind the answer. Cut as soon as the answer is out, such a connection loses
 * it: what comes for a closed socket is answered by a reset, and their system throws away what it has for them, or they stop at the failed write and never read.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "vitest";
import { ask } from "../../support/http-request.js";
import { dial, type RawClient } from "../../support/raw-client.js";
import { CURL, programOf } from "../../support/system-packages.js";
import type { HostileCase, Outcome, Scene } from "../case.js";
import { head, HUB, outcomeOf } from "../raw.js";
import { noteRefusal } from "../traces.js";

type Hub = Scene["hub"];

/** Far more than the kernel takes on both sides: the sender is still at it when the answer comes. */
const BODY = Buffer.alloc(8_000_000, "x");
const CHUNK_BYTES = 64_000;
/** So many send it one after the other, and each has to be told. */
const SENDERS = 20;
const PATH = "/v1/topics/hostile/messages";
const HEADERS = ["Content-Type: application/json", "Connection: close"] as const;
const LENGTH = `Content-Length: ${BODY.length}`;
const CHUNKED = "Transfer-Encoding: chunked";
const TOO_LARGE: Outcome = "H413 too_large";

export const UNREAD_BODIES: readonly HostileCase[] = [
  unread("P8e", "node:http", throughNode),
  ...(programOf(CURL) === undefined ? [] : [unread("P8f", "curl", throughCurl)]),
  unread("P8g", "a socket that reads all along", (hub) => throughSocket(hub, LENGTH)),
  unread("P8h", "a socket that reads when it has sent everything", sendThenRead),
  unread("P8i", "a socket that sends in chunks", (hub) => throughSocket(hub, CHUNKED)),
];

function unread(id: string, sender: string, send: (hub: Hub) => Promise<Outcome>): HostileCase {
  return {
    id,
    title: `${SENDERS} times a body over maxBodyBytes and Connection: close, from ${sender}`,
    outcome: TOO_LARGE,
    meet: async ({ hub }) => {
      const outcomes: Outcome[] = [];
      while (outcomes.length < SENDERS) outcomes.push(await send(hub).catch(() => "DROP" as const));
      expect(outcomes).toEqual(Array<Outcome>(SENDERS).fill(TOO_LARGE));
      return TOO_LARGE;
    },
  };
}

async function throughNode(hub: Hub): Promise<Outcome> {
  const headers = { "Content-Type": "application/json", Connection: "close" };
  const { status, json } = await ask(hub, PATH, { method: "POST", headers, body: BODY });
  return told(hub, status, String(json["code"]));
}

async function throughCurl(hub: Hub): Promise<Outcome> {
  const headers = [...HEADERS, "Expect:"].flatMap((header) => ["--header", header]);
  const options = ["--silent", "--show-error", "--write-out", "\n%{http_code}", "--data-binary", "@-", ...headers];
  const curl = promisify(execFile)(programOf(CURL) ?? "curl", [...options, hub.url + PATH]);
  // It stops to read its input when it is told that this is too much.
  curl.child.stdin?.on("error", () => undefined);
  curl.child.stdin?.end(BODY);
  const output = (await curl).stdout;
  return told(hub, Number(output.split("\n").at(-1)), /"code":"(\w+)"/.exec(output)?.[1] ?? "");
}

function told(hub: Hub, status: number, code: string): Outcome {
  noteRefusal(hub, "http", code);
  return `H${status} ${code}` as Outcome;
}

async function throughSocket(hub: Hub, framing: string): Promise<Outcome> {
  using client = await begin(hub, framing);
  if (framing === LENGTH) client.send(BODY);
  else {
    for (let at = 0; at < BODY.length; at += CHUNK_BYTES) {
      client.send(`${CHUNK_BYTES.toString(16)}\r\n`);
      client.send(BODY.subarray(at, at + CHUNK_BYTES));
      client.send("\r\n");
    }
    client.send("0\r\n\r\n");
  }
  return await toItsEnd(hub, client);
}

async function sendThenRead(hub: Hub): Promise<Outcome> {
  using client = await begin(hub, LENGTH);
  client.socket.pause();
  await new Promise<void>((resolve, reject) =>
    client.socket.write(BODY, (error) => (error instanceof Error ? reject(error) : resolve())),
  );
  client.socket.resume();
  return await toItsEnd(hub, client);
}

async function begin(hub: Hub, framing: string): Promise<RawClient> {
  const client = await dial(hub.port);
  client.send(head(`POST ${PATH}`, ...HEADERS, framing).replaceAll(HUB, `127.0.0.1:${hub.port}`));
  return client;
}

/** The hub ends the connection without a reset: what it has said is whole. */
async function toItsEnd(hub: Hub, client: RawClient): Promise<Outcome> {
  let failure: Error | undefined;
  client.socket.on("error", (error) => (failure = error));
  await client.closed();
  if (failure !== undefined) throw failure;
  return outcomeOf(hub, client);
}
