/** A page that keeps its publishes and its position; the hub's address stands behind the `#` of its own. Tests call what it puts on `window.page`. */
import { connect } from "@ringcast/client";
import { openStore } from "@ringcast/client/persist";

export interface PersistPage {
  /** Begins to publish the numbers `from` to `to - 1`, all at once. */
  publish(from: number, to: number): void;
  /** Begins to read; what it is done with is written to `localStorage.read` at once. */
  read(): void;
  /** Whether a reader of this page has begun. */
  isReading(): boolean;
  /** Publishes acknowledged in this page's life. */
  acknowledged(): number;
}

const store = await openStore("shop");
const hub = connect(`ws://${location.hash.slice(1)}`, { outbox: store.outbox, timeoutMs: Infinity });
let acknowledged = 0;
let isReading = false;

async function read(): Promise<void> {
  const messages = await store.subscribe(hub, "orders", { reader: "page", from: "earliest" });
  isReading = true;
  for await (const message of messages) {
    localStorage.setItem("read", `${localStorage.getItem("read") ?? ""} ${message.offset}`);
  }
}

const page: PersistPage = {
  publish: (from, to) => {
    for (let n = from; n < to; n++) void hub.publish("orders", { n }).then(() => acknowledged++);
  },
  read: () => void read(),
  isReading: () => isReading,
  acknowledged: () => acknowledged,
};
Object.assign(window, { page });
