import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";

/** A publisher and a reader at the head in one process, so that one clock measures both. */
export class LiveReader {
  readonly #socket: WebSocket;
  readonly #topic: string;
  #received: ((at: number) => void) | undefined;
  #id = 1;
  #subscribed: (() => void) | undefined;
  readonly #isSubscribed = new Promise<void>((resolve) => (this.#subscribed = resolve));

  private constructor(socket: WebSocket, topic: string) {
    this.#socket = socket;
    this.#topic = topic;
    socket.on("message", (frame: Buffer) => this.#take(frame));
  }

  static async connect(port: number, topic: string): Promise<LiveReader> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, "ringcast.v1.json");
    await once(socket, "open");
    const reader = new LiveReader(socket, topic);
    socket.send(JSON.stringify({ op: "subscribe", id: 0, topic }));
    await reader.#isSubscribed;
    return reader;
  }

  /** Publishes one record after the other, at this pace, and measures each. */
  async measure(forMs: number, everyMs: number): Promise<number[]> {
    const latencies: number[] = [];
    const began = performance.now();
    while (performance.now() - began < forMs) {
      const sent = performance.now();
      const received = new Promise<number>((resolve) => (this.#received = resolve));
      this.#socket.send(JSON.stringify({ op: "publish", id: this.#id++, topic: this.#topic, data: sent }));
      latencies.push((await received) - sent);
      await pause(Math.max(0, sent + everyMs - performance.now()));
    }
    return latencies;
  }

  close(): void {
    this.#socket.close();
  }

  #take(frame: Buffer): void {
    if (frame.subarray(0, 20).toString("latin1").startsWith('{"op":"subscribed"')) this.#subscribed?.();
    if (!frame.subarray(0, 20).toString("latin1").startsWith('{"op":"messages"')) return;
    this.#received?.(performance.now());
  }
}
