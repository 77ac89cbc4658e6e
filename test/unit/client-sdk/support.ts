/** The SDK over a scripted network and a virtual clock. */
import type { ConnectOptions, Message } from "@ringcast/client";
import { connect } from "@ringcast/client/json";
import { ScriptedNetwork } from "../../support/scripted-network.js";
import { settle, VirtualRuntime } from "../../support/virtual-runtime.js";

export async function dial(options: ConnectOptions = {}, url: string | readonly string[] = "ws://hub") {
  const network = new ScriptedNetwork();
  const runtime = new VirtualRuntime();
  const hub = connect(url, { runtime, transport: network.transport, ...options });
  await settle();
  return { network, runtime, hub };
}

/** Connected already. */
export async function connected(options: ConnectOptions = {}, limits: object = {}) {
  const setup = await dial(options);
  await setup.network.socket.welcome(limits);
  return setup;
}

/** A `messages` frame with records `first` to `first + count - 1`, data = offset. */
export function records(first: number, count: number, fields: object = {}) {
  const messages = Array.from({ length: count }, (_, i) => ({ offset: first + i, timestamp: 1, data: first + i }));
  return {
    op: "messages",
    subscription: 7,
    topic: "t",
    partition: 0,
    epoch: "e1",
    next: first + count,
    messages,
    ...fields,
  };
}

/** The reply to `subscribe` on topic `t` with one partition. */
export function subscribed(next: number, fields: object = {}) {
  return {
    op: "subscribed",
    subscription: 7,
    topic: "t",
    partitions: { 0: { epoch: "e1", next, tail: 0, head: next } },
    ...fields,
  };
}

/** Starts the reading loop; `stopAfter` messages end it. */
export function readAll(subscription: AsyncIterable<Message>) {
  const seen: unknown[] = [];
  const outcome: { error?: unknown; done: boolean } = { done: false };
  const finished = (async () => {
    try {
      for await (const message of subscription) seen.push(message.data);
    } catch (error) {
      outcome.error = error;
    }
    outcome.done = true;
  })();
  return { seen, outcome, finished };
}
