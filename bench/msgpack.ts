/**
 * Our msgpack against msgpackr: encoding and decoding of what goes over the wire, interleaved in one run, so that the machine's moods hit both.
 *
 *     npm run build && node --import tsx bench/msgpack.ts [milliseconds per turn, default 100]
 */
import { Packr, Unpackr } from "msgpackr";
import { decodeMsgpack, encodeMsgpack } from "@ringcast/protocol";

const TURNS = 9;
const turnMs = Number(process.argv[2] ?? "100");

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, int64AsType: "number" });

const words = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor".split(" ");
const text = (length: number): string => words.join(" ").repeat(20).slice(0, length);

const VALUES: Readonly<Record<string, unknown>> = {
  "reply to a publish": {
    ...{ op: "published", id: 17, topic: "orders.eu.new", partition: 0, epoch: "k7QxB2fQ" },
    ...{ offset: 123_456, timestamp: 1_763_600_000_000 },
  },
  gap: {
    ...{ op: "gap", subscription: 7, topic: "orders.eu.new", partition: 0, from: 10, to: 41, reason: "retention" },
    ...{ epoch: "k7QxB2fQ", next: 42 },
  },
  "small object": { n: 1, name: "lamp", price: 12.5, isNew: true },
  "object of 1 KiB": {
    id: 4_711,
    items: words.map((name, i) => ({ name, count: i, price: i * 1.25, tags: [name, "x"], note: text(20) })),
  },
  "1,000 integers": Array.from({ length: 1_000 }, (_, i) => (i * 7_919) % 100_000),
  "1,000 floats": Array.from({ length: 1_000 }, (_, i) => i / 7),
  "100 strings": Array.from({ length: 100 }, (_, i) => text(10 + (i % 40))),
  "text of 1,000 characters": text(1_000),
  "text beyond ASCII": "Grüße aus Köln, 東京から ".repeat(10),
};

/** Calls per second over one turn. */
function rateOf(call: () => unknown): number {
  const begin = performance.now();
  let calls = 0;
  let elapsed: number;
  do {
    for (let i = 0; i < 50; i++) call();
    calls += 50;
    elapsed = performance.now() - begin;
  } while (elapsed < turnMs);
  return (calls / elapsed) * 1_000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** Both in turn, several times; the first turn of each warms up. */
function compare(ours: () => unknown, theirs: () => unknown): { ours: number; theirs: number } {
  const rates = { ours: [] as number[], theirs: [] as number[] };
  for (let turn = 0; turn <= TURNS; turn++) {
    const [a, b] = [rateOf(ours), rateOf(theirs)];
    if (turn === 0) continue;
    rates.ours.push(a);
    rates.theirs.push(b);
  }
  return { ours: median(rates.ours), theirs: median(rates.theirs) };
}

const shown = (rate: number): string => (1e6 / rate).toFixed(3).padStart(9);

console.log(
  `node ${process.version}, ${TURNS} turns of ${turnMs} ms each; microseconds a call, ours / msgpackr, and time of ours over theirs`,
);
for (const [name, value] of Object.entries(VALUES)) {
  const bytes = encodeMsgpack(value);
  const encoding = compare(
    () => encodeMsgpack(value),
    () => packr.pack(value),
  );
  const decoding = compare(
    () => decodeMsgpack(bytes),
    () => unpackr.unpack(bytes) as unknown,
  );
  const row = ({ ours, theirs }: { ours: number; theirs: number }) =>
    `${shown(ours)} /${shown(theirs)}  ${(theirs / ours).toFixed(2).padStart(5)}×`;
  console.log(
    `${name.padEnd(26)} ${String(bytes.length).padStart(6)} B   encode ${row(encoding)}   decode ${row(decoding)}`,
  );
}
