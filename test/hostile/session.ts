/** Drives cases that are one request, or one frame: through each door that it fits, and tells how it was met. */
import { expect } from "vitest";
import { isErrorCode, statusOf } from "@ringcast/protocol";
import { BinaryClient } from "../support/binary-client.js";
import type { AnyFrame, FrameClient } from "../support/frame-client.js";
import { ask, type HttpAsk } from "../support/http-request.js";
import { JsonClient } from "../support/json-client.js";
import type { HostileCase, Outcome, Scene } from "./case.js";
import { expectAllCounted, expectSafeEcho, expectSafeLog, noteRefusal, storedIn, wipe } from "./traces.js";

export type Dialect = "json" | "msgpack";

/** A request before it has been written in a dialect. */
export type RequestFields = Readonly<Record<string, unknown>>;

/** Prepares what a frame needs (a subscription, records), and makes it. */
export type Prepare<Sent> = (client: FrameClient, scene: Scene) => Promise<Sent>;

/**
 * One entry of a table. It is tried wherever there is a form of it: `request` in both dialects (and over HTTP with `http: true`), `json` and `msgpack` as the
 * bytes of one frame, `http` as a request of its own.
 */
export interface RequestCase {
  readonly id: string;
  readonly title: string;
  /** How it is met over WebSocket; over HTTP it is the same code, with the status of the error table. */
  readonly outcome: Outcome;
  /** Gets an id unless it names one; `id: undefined` leaves it out. */
  readonly request?: RequestFields | Prepare<RequestFields>;
  /** A text frame as it is. */
  readonly json?: string;
  /** A binary frame as it is. */
  readonly msgpack?: Uint8Array | Prepare<Uint8Array>;
  /** `true`: a publish, as the body of a POST. */
  readonly http?: true | HttpForm;
  /** What `details` of the error holds at least. */
  readonly details?: RequestFields;
  /** What the reply holds at least, where it is taken. */
  readonly reply?: RequestFields;
  /** What a page of {@link TOPIC} then shows somewhere, where it is taken. */
  readonly stored?: string;
}

export interface HttpForm extends HttpAsk {
  readonly path: string;
  readonly outcome?: Outcome;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** What publishes of these tables write to, unless the name is their point. */
export const TOPIC = "hostile";

/** Entries of one number of the catalogue: `J4a`, `J4b`, … */
export function numbered(number: string, entries: readonly Omit<RequestCase, "id">[]): RequestCase[] {
  return entries.map((entry, n) => ({ ...entry, id: entries.length === 1 ? number : `${number}${letterOf(n)}` }));
}

/** a to z, then aa, ab, … */
function letterOf(n: number): string {
  const more = Math.floor(n / LETTERS.length);
  return `${more === 0 ? "" : letterOf(more - 1)}${LETTERS[n % LETTERS.length] ?? ""}`;
}

/** A row for each way in that an entry has. */
export function doorsOf(entries: readonly RequestCase[]): HostileCase[] {
  return entries.flatMap((entry) => {
    const { request, json, msgpack, http } = entry;
    const doors: HostileCase[] = [];
    const sentBytes = bytesOf(entry);
    const add = (door: string, outcome: Outcome, meet: HostileCase["meet"]): void =>
      void doors.push({
        ...{ id: entry.id, title: `${entry.title} (${door})`, outcome, meet },
        ...(sentBytes === undefined ? {} : { sentBytes }),
      });
    if (request !== undefined || json !== undefined) {
      add("json", entry.outcome, (scene) => meetFrame(scene, "json", entry));
    }
    if (request !== undefined || msgpack !== undefined) {
      add("msgpack", entry.outcome, (scene) => meetFrame(scene, "msgpack", entry));
    }
    if (http !== undefined) add("http", httpOutcomeOf(entry), (scene) => meetHttp(scene, entry));
    return doors;
  });
}

/** About as much as each of its forms; undefined where something is done before it is sent. */
function bytesOf({ request, json, msgpack, http }: RequestCase): number | undefined {
  if (typeof request === "function" || typeof msgpack === "function") return undefined;
  const body = typeof http === "object" ? http.body : undefined;
  const form = json ?? msgpack ?? body;
  return form === undefined ? JSON.stringify(request ?? {}).length : form.length;
}

/** What has to hold after all of a table: each refusal counted once, and a log that is fit to be printed. */
export async function leavesNoTrace({ hub }: Scene): Promise<void> {
  await expectAllCounted(hub);
  expectSafeLog(hub);
}

function httpOutcomeOf({ outcome, http }: RequestCase): Outcome {
  if (typeof http === "object" && http.outcome !== undefined) return http.outcome;
  const code = /^[EX] ([a-z_]+)/.exec(outcome)?.[1];
  return isErrorCode(code) ? `H${statusOf(code)} ${code}` : "ok";
}

// ---- WebSocket -------------------------------------------------------------------------------------------------------

async function meetFrame(scene: Scene, dialect: Dialect, entry: RequestCase): Promise<Outcome> {
  const client = await clientOf(scene, dialect);
  const sent = await frameOf(entry, dialect, client, scene);
  const isPrepared = typeof entry.request === "function" || typeof entry.msgpack === "function";
  const before = isPrepared ? await storedIn(scene.hub) : [];
  const { outcome, frames } = await exchange(scene, client, sent);
  const error = errorOf(frames);
  if (error !== undefined) expectNamed(error, sent, outcome.startsWith("X "));
  await judge(scene, entry, { outcome, before, reply: error ?? frames[0] });
  if (isPrepared || !outcome.startsWith("E ")) await client[Symbol.asyncDispose]();
  return outcome;
}

/** What came of a frame. */
export interface Exchanged {
  readonly outcome: Outcome;
  /** All that came before the pong, or before the end. */
  readonly frames: readonly AnyFrame[];
}

let pings = 0;

/**
 * Sends a frame and a ping behind it: what comes before the pong is how it was met.
 *
 * @param sent a request's fields, or a frame as it is
 */
export async function exchange(
  { hub }: Pick<Scene, "hub">,
  client: FrameClient,
  sent: string | Uint8Array | RequestFields,
): Promise<Exchanged> {
  const id = `ping ${++pings}`;
  const frames: AnyFrame[] = [];
  client.send(sent);
  client.send({ op: "ping", id });
  for (;;) {
    const frame = await client.next().catch(() => undefined);
    if (frame === undefined) break;
    if (frame.op === "error") noteRefusal(hub, "websocket", frame.code);
    if (frame.id === id) return { outcome: outcomeOf(frames), frames };
    frames.push(frame);
  }
  return { outcome: outcomeOf(frames, (await client.closed).code), frames };
}

/** @param closeCode of a connection that didn't answer the ping */
function outcomeOf(frames: readonly AnyFrame[], closeCode?: number): Outcome {
  const error = errorOf(frames);
  if (closeCode === undefined) return error === undefined ? "ok" : `E ${error.code}`;
  if (error !== undefined) return `X ${error.code}/${closeCode}`;
  return closeCode === 1006 ? "DROP" : `CLOSE ${closeCode}`;
}

function errorOf(frames: readonly AnyFrame[]): AnyFrame | undefined {
  return frames.find(({ op }) => op === "error");
}

/** Connections that nothing was wrong with so far, by hub and dialect. */
const idle = new WeakMap<Scene["hub"], Map<Dialect, FrameClient>>();

async function clientOf({ hub }: Scene, dialect: Dialect): Promise<FrameClient> {
  const clients = idle.get(hub) ?? new Map<Dialect, FrameClient>();
  idle.set(hub, clients);
  const known = clients.get(dialect);
  if (known !== undefined && known.socket.readyState === known.socket.OPEN) return known;
  const client = await (dialect === "json" ? JsonClient : BinaryClient).connect(hub.wsUrl);
  clients.set(dialect, client);
  return client;
}

async function frameOf(
  { request, json, msgpack }: RequestCase,
  dialect: Dialect,
  client: FrameClient,
  scene: Scene,
): Promise<string | Uint8Array | RequestFields> {
  const raw = dialect === "json" ? json : msgpack;
  if (raw !== undefined) return typeof raw === "function" ? raw(client, scene) : raw;
  const fields = typeof request === "function" ? await request(client, scene) : (request ?? {});
  if (!Object.hasOwn(fields, "id")) return { ...fields, id: 7 };
  const { id, ...rest } = fields;
  return id === undefined ? rest : fields;
}

/** An error carries back the id of its request where that is legal, else none. */
function expectNamed(error: AnyFrame, sent: string | Uint8Array | RequestFields, isFatal: boolean): void {
  if (typeof sent === "string" || sent instanceof Uint8Array) return;
  const { op, id } = sent as { op?: unknown; id?: unknown };
  if (op === "ack" && id === undefined) return;
  const isLegal = (Number.isSafeInteger(id) && (id as number) >= 0) || (typeof id === "string" && id.length <= 64);
  if (isLegal && !isFatal) expect(error.id).toBe(id);
  else expect(error).not.toHaveProperty("id");
}

// ---- HTTP ------------------------------------------------------------------------------------------------------------

async function meetHttp(scene: Scene, entry: RequestCase): Promise<Outcome> {
  const { hub } = scene;
  const form = entry.http === true ? publishForm(entry) : (entry.http as HttpForm);
  const { status, text } = await ask(hub, form.path, form);
  const body = text === "" ? {} : (JSON.parse(text) as RequestFields & { code?: string });
  const outcome: Outcome = status < 400 ? "ok" : (`H${status} ${String(body.code)}` as Outcome);
  if (body.code !== undefined) noteRefusal(hub, "http", body.code);
  await judge(scene, entry, { outcome, before: [], reply: body });
  return outcome;
}

/** A publish as the body of a POST. The path names the topic, the rest is ignored there. */
function publishForm({ request, json }: RequestCase): HttpForm {
  const { topic = TOPIC, ...body } = (typeof request === "object" ? request : {}) as RequestFields & { topic?: string };
  return {
    path: `/v1/topics/${encodeURIComponent(topic)}/messages`,
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: json ?? JSON.stringify(body),
  };
}

// ---- what all have in common -----------------------------------------------------------------------------------------

interface Met {
  readonly outcome: Outcome;
  readonly before: readonly string[];
  readonly reply: object | undefined;
}

async function judge({ hub }: Scene, entry: RequestCase, { outcome, before, reply }: Met): Promise<void> {
  const after = await storedIn(hub);
  try {
    if (outcome === "ok") await expectTaken({ hub }, entry, reply);
    else {
      expect(after).toEqual(before);
      if (reply !== undefined) expectRefused(entry, reply);
    }
  } finally {
    if (after.length > 0) await wipe(hub);
  }
}

async function expectTaken({ hub }: Pick<Scene, "hub">, entry: RequestCase, reply: object | undefined): Promise<void> {
  if (entry.reply !== undefined) expect(reply).toMatchObject(entry.reply);
  if (entry.stored === undefined) return;
  expect((await ask(hub, `/v1/topics/${TOPIC}/messages`)).text).toContain(entry.stored);
}

function expectRefused(
  { details }: RequestCase,
  error: { readonly message?: unknown; readonly details?: unknown },
): void {
  expectSafeEcho(error.message, error.details);
  if (details !== undefined) expect(error.details).toMatchObject(details);
}
