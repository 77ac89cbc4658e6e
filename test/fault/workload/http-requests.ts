/** Publishes over HTTP, as the requests of a client that a publisher can have instead of a WebSocket. */
import { Agent } from "node:http";
import type { AnyFrame } from "../../support/frame-client.js";
import { ask, type HttpAnswer } from "../../support/http-request.js";
import { within } from "../../support/until.js";
import type { RequestClient } from "./surroundings.js";

/** As good as gone after the first request that had no answer. */
export class HttpRequests implements RequestClient {
  readonly #hub: { readonly port: number };
  readonly #agent = new Agent({ keepAlive: true });
  #isOpen = true;

  private constructor(hub: { readonly port: number }) {
    this.#hub = hub;
  }

  /** Rejects where the hub can't be reached, or is only just starting. */
  static async open(url: string): Promise<HttpRequests> {
    const hub = { port: Number(new URL(url).port) };
    const { status, text } = await ask(hub, "/v1/topics");
    if (status !== 200) throw new Error(text);
    return new HttpRequests(hub);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @param frame a `publish` of the JSON dialect */
  async request(frame: object, timeoutMs: number): Promise<AnyFrame> {
    const { op: _, topic, ...body } = frame as { readonly op: "publish"; readonly topic: string };
    const headers = { "Content-Type": "application/json" };
    const publish = { method: "POST", headers, body: JSON.stringify(body), agent: this.#agent };
    const answer = ask(this.#hub, `/v1/topics/${topic}/messages`, publish);
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
