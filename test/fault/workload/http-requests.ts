/** What the workload does over HTTP: publishes, as the requests of a client that a publisher can have instead of a WebSocket, and pages. */
import { Agent } from "node:http";
import type { AnyFrame } from "../../support/frame-client.js";
import { ask, type HttpAnswer } from "../../support/http-request.js";
import { within } from "../../support/until.js";
import type { Page } from "./page-reader.js";
import type { RequestClient } from "./surroundings.js";

const PATIENCE_MS = 10_000;

/** As good as gone after the first request that had no answer. */
export class HttpRequests implements RequestClient {
  readonly #hub: { readonly port: number };
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ keepAlive: true });
  #isOpen = true;

  private constructor(hub: { readonly port: number }, host: string) {
    this.#hub = hub;
    this.#headers = { "Content-Type": "application/json", Host: host };
  }

  /** Rejects where the hub can't be reached, or is only just starting. */
  static async open(url: string, host: string): Promise<HttpRequests> {
    const hub = { port: portOf(url) };
    const { status, text } = await ask(hub, "/v1/topics");
    if (status !== 200) throw new Error(text);
    return new HttpRequests(hub, host);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @param frame a `publish` of the JSON dialect */
  async request(frame: object, timeoutMs: number): Promise<AnyFrame> {
    const { topic, ...publish } = frame as { readonly op: "publish"; readonly topic: string };
    const body = JSON.stringify({ ...publish, op: undefined });
    const options = { method: "POST", headers: this.#headers, body, agent: this.#agent };
    const answer = ask(this.#hub, `/v1/topics/${topic}/messages`, options);
    try {
      return frameOf(await within(`an answer to a publish in ${topic}`, answer, timeoutMs));
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    this.#agent.destroy();
    return Promise.resolve();
  }
}

function frameOf({ status, json }: HttpAnswer): AnyFrame {
  return { op: status === 201 ? "published" : "error", ...json } as unknown as AnyFrame;
}

/** Rejects where there is no answer. @returns undefined where the hub refuses for now, as while it starts */
export async function readPage(url: string, path: string): Promise<Page | "no such partition" | undefined> {
  const answer = ask({ port: portOf(url) }, path);
  const { status, json } = await within("a page", answer, PATIENCE_MS);
  if (status === 400 && json["code"] === "bad_request") return "no such partition";
  return status === 200 ? (json as unknown as Page) : undefined;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
