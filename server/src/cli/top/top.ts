/** `ringcast top`: who is connected to a hub, who is behind, and what holds them. */
import { RingcastError } from "@ringcast/protocol";
import type { Command } from "../command.js";
import { HUB_OPTIONS, readHubAddress, request, type HubAddress } from "../hub-access.js";
import { printable } from "../printable.js";
import { EXIT, type Terminal } from "../terminal.js";
import { UsageError } from "../usage.js";
import { openScreen, type Screen } from "./screen.js";
import { Sampler, type Row, type Snapshot } from "./snapshot.js";
import { renderSnapshot } from "./view.js";

const INTERVAL_S = 2;
const MAX_INTERVAL_S = 3600;
const WIDTH_ELSEWHERE = 160;
const KEYS = "q quits · ↑ ↓ choose · d disconnects";

export const top: Command = {
  usage: ["[options]"],
  options: {
    interval: { type: "string", placeholder: "<s>", description: `Seconds between two looks (default ${INTERVAL_S})` },
    once: { type: "boolean", description: "Prints what there is once, and ends" },
    json: { type: "boolean", description: "The same as one line of JSON" },
    ...HUB_OPTIONS,
  },
  notes: `One line for each subscription, the furthest behind first, and for each connection without one. GATE is what
holds a reader: open (nothing), catching up, window (it has not acknowledged), socket (it doesn't take what is
sent). In a terminal it stays and is renewed; keys: q quits, up and down (or k and j) choose, d disconnects the
connection chosen, after a question. Elsewhere it prints one look, without rates.`,
  examples: [
    ["ringcast top", "live"],
    ["ringcast top --json | jq '.rows[0]'", "whoever is furthest behind"],
  ],
  run: async (args, terminal) => {
    if (args.positionals.length > 0) throw new UsageError("ringcast top takes options only.");
    const address = readHubAddress(args);
    const intervalMs = (args.integer("interval", 1, MAX_INTERVAL_S) ?? INTERVAL_S) * 1000;
    const sampler = new Sampler(address, () => Date.now());
    const snapshot = await sampler.take();
    if (args.isOn("json")) {
      await terminal.printJson(snapshot);
      return EXIT.ok;
    }
    if (args.isOn("once") || !terminal.isOutTerminal || !process.stdin.isTTY) {
      await printOnce(snapshot, address, terminal);
      return EXIT.ok;
    }
    await new LiveView(sampler, { address, terminal, intervalMs }).run(snapshot);
    return EXIT.ok;
  },
};

async function printOnce(snapshot: Snapshot, { url }: HubAddress, terminal: Terminal): Promise<void> {
  const columns = terminal.isOutTerminal ? process.stdout.columns || WIDTH_ELSEWHERE : WIDTH_ELSEWHERE;
  const colour = terminal.colour.bind(terminal);
  const lines = renderSnapshot(snapshot, { url, columns, rows: undefined, selected: undefined, footer: "", colour });
  await terminal.print(
    lines
      .map((line) => line.trimEnd())
      .join("\n")
      .trimEnd(),
  );
}

interface LiveOptions {
  readonly address: HubAddress;
  readonly terminal: Terminal;
  readonly intervalMs: number;
}

/** Looks again and again, and does what keys say. */
class LiveView {
  readonly #sampler: Sampler;
  readonly #options: LiveOptions;
  /** Aborted by q, Ctrl+C or a signal. */
  readonly #quitting = new AbortController();
  #screen: Screen | undefined;
  #snapshot: Snapshot | undefined;
  /** What keys act on: it stays chosen when the order changes. */
  #chosen: string | undefined;
  /** Connection that the question is about. */
  #doomed: Row | undefined;
  /** Said in the last line instead of the keys. */
  #notice = "";

  constructor(sampler: Sampler, options: LiveOptions) {
    this.#sampler = sampler;
    this.#options = options;
  }

  async run(first: Snapshot): Promise<void> {
    const { terminal, intervalMs } = this.#options;
    using screen = openScreen({ onKey: (key) => this.#press(key), onResize: () => this.#draw() });
    this.#screen = screen;
    this.#snapshot = first;
    const quit = AbortSignal.any([this.#quitting.signal, terminal.interrupted]);
    for (;;) {
      this.#draw();
      await pause(intervalMs, quit);
      if (quit.aborted) return;
      await this.#look();
    }
  }

  /** A hub that is away comes back: that is said, and what was seen last stays. */
  async #look(): Promise<void> {
    try {
      this.#snapshot = await this.#sampler.take();
      this.#notice = "";
    } catch (error) {
      if (!(error instanceof RingcastError)) throw error;
      this.#notice = error.message;
    }
  }

  #draw(): void {
    const screen = this.#screen;
    const snapshot = this.#snapshot;
    if (screen === undefined || snapshot === undefined) return;
    const { address, terminal } = this.#options;
    const { columns, rows } = screen;
    const colour = terminal.colour.bind(terminal);
    const selected = this.#chosen === undefined ? undefined : this.#selected();
    screen.show(
      renderSnapshot(snapshot, { url: address.url, columns, rows, selected, footer: this.#footer(), colour }),
    );
  }

  #footer(): string {
    const doomed = this.#doomed;
    if (doomed === undefined) return this.#notice === "" ? KEYS : printable(this.#notice);
    return `Disconnect ${printable(`${doomed.subject ?? doomed.connection} (${doomed.address})`)}? y disconnects, any other key doesn't`;
  }

  #press(key: string): void {
    if (key === "\u0003" || key === "q") {
      this.#quitting.abort();
      return;
    }
    if (this.#doomed !== undefined) this.#answer(key, this.#doomed);
    else if (key === "j" || key === "\u001b[B") this.#move(1);
    else if (key === "k" || key === "\u001b[A") this.#move(-1);
    else if (key === "d") this.#doomed = this.#rows()[this.#selected()];
    this.#draw();
  }

  #answer(key: string, doomed: Row): void {
    this.#doomed = undefined;
    if (key !== "y") return;
    const path = `/v1/connections/${encodeURIComponent(doomed.connection)}`;
    this.#notice = "disconnecting…";
    const tell = (notice: string) => {
      this.#notice = notice;
      this.#draw();
    };
    request(this.#options.address, "DELETE", path).then(
      () => tell(`disconnected ${doomed.connection}`),
      (error: unknown) => tell(error instanceof Error ? error.message : String(error)),
    );
  }

  #move(by: number): void {
    const rows = this.#rows();
    const next = this.#chosen === undefined ? 0 : this.#selected() + by;
    const row = rows[Math.min(rows.length - 1, Math.max(0, next))];
    this.#chosen = row === undefined ? undefined : keyOf(row);
  }

  #rows(): readonly Row[] {
    return this.#snapshot?.rows ?? [];
  }

  /** Index of the row that is chosen; the first one where that has gone. */
  #selected(): number {
    return Math.max(
      0,
      this.#rows().findIndex((row) => keyOf(row) === this.#chosen),
    );
  }
}

function keyOf({ connection, topic }: Row): string {
  return `${connection} ${topic ?? ""}`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
