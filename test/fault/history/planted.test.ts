/** Each anomaly, planted in at least three ways into a run in which nothing is wrong, is found under its name. */
import { describe, expect, it } from "vitest";
import { judge } from "./checker.js";
import type {
  AnomalyName,
  Delivered,
  Fault,
  GapTold,
  History,
  HistoryEvent,
  Published,
  ReadBack,
  Reading,
} from "./history.js";

const NOTHING = { acknowledged: 0, faults: 0 };
const TOPIC = "orders";
const T0 = 1_763_600_000_000;
/** A batch has one time. */
const FIRST_OF_BATCH = 3;
const record = (offset: number, value: string, epoch = "e0"): Reading => ({
  ...{
    topic: TOPIC,
    partition: 0,
    epoch,
    offset,
    value,
    digest: `#${value}`,
    timestamp: T0 + (value.startsWith("b") ? FIRST_OF_BATCH : offset),
  },
});
const VALUES = ["v0", "v1", "v2", "b0", "b1", "b2", "v6", "v7"] as const;
const RECORDS = VALUES.map((value, offset) => record(offset, value));
const at = 0;
const publish = (call: number, client: string, values: readonly string[], sequence?: number): HistoryEvent => ({
  ...{ type: "publish", call, client, at, topic: TOPIC, durability: "stored" },
  values: values.map((value) => ({ value, digest: `#${value}` })),
  ...(sequence === undefined ? {} : { producer: { id: client, sequence } }),
});
const published = (call: number, first: number, count = 1): Published => ({
  ...{ type: "published", call, at, timestamp: T0 + first, isDuplicate: false },
  places: RECORDS.slice(first, first + count).map(({ topic, partition, epoch, offset }) => ({
    topic,
    partition,
    epoch,
    offset,
  })),
});
const delivered = (reader: string, offset: number): Delivered => ({
  type: "delivered",
  reader,
  at,
  ...(RECORDS[offset] as Reading),
});
const bounds = (head: number, tail = 0, epoch = "e0") => ({ partition: 0, epoch, tail, head });
const look = (call: number, head: number, tail = 0, epoch = "e0"): HistoryEvent[] => [
  { type: "look", call, at, topic: TOPIC },
  { type: "looked", call, at, partitions: [bounds(head, tail, epoch)] },
];
const open = (reader: string, user: string, next: number, head: number, resumes?: number): HistoryEvent[] => [
  {
    ...{ type: "open", reader, user, at, topic: TOPIC, via: "json", isFiltered: false },
    resumes: resumes === undefined ? [] : [{ partition: 0, epoch: "e0", offset: resumes }],
  },
  { type: "opened", reader, at, partitions: [{ ...bounds(head), next }] },
];
const gap = (reader: string, from: number, to: number, next: number, rest: Partial<GapTold> = {}): GapTold => ({
  ...{ type: "gap", reader, at, partition: 0, from, to, next, reason: "retention", epoch: "e0", ...rest },
});
const fault = (name: string, costs: Fault["costs"]): Fault => ({ type: "fault", at, name, costs });
const readBack: ReadBack = { type: "readBack", at: 6_000, topic: TOPIC, ...bounds(8), records: RECORDS };

/** Reader 1 resumes as reader 2. */
const CLEAN: History = [
  publish(1, "ana", ["v0"], 0),
  published(1, 0),
  ...look(20, 1),
  publish(2, "ana", ["v1"], 1),
  published(2, 1),
  publish(3, "bob", ["v2"]),
  published(3, 2),
  ...open("r1", "u1", 0, 3),
  ...[0, 1, 2].map((offset) => delivered("r1", offset)),
  publish(4, "bob", ["b0", "b1", "b2"], 0),
  published(4, 3, 3),
  ...look(21, 6),
  ...[3, 4, 5].map((offset) => delivered("r1", offset)),
  { type: "closed", reader: "r1", at },
  ...open("r2", "u1", 6, 6, 6),
  publish(5, "ana", ["v6"]),
  published(5, 6),
  delivered("r2", 6),
  publish(6, "ana", ["v7"]),
  published(6, 7),
  delivered("r2", 7),
  ...look(22, 8),
  { type: "quiet", at: 100 },
  readBack,
  { type: "end", at: 6_000 },
];

type Is = (event: HistoryEvent) => boolean;
const isCall =
  (type: string, call: number): Is =>
  (event) =>
    event.type === type && "call" in event && event.call === call;
const isDelivery =
  (reader: string, offset: number): Is =>
  (event) =>
    event.type === "delivered" && event.reader === reader && event.offset === offset;
const isType =
  (type: string): Is =>
  (event) =>
    event.type === type;

const without = (...which: Is[]): History => CLEAN.filter((event) => !which.some((is) => is(event)));
const behind = (is: Is, ...events: HistoryEvent[]): History =>
  CLEAN.flatMap((event) => (is(event) ? [event, ...events] : [event]));
const before = (is: Is, ...events: HistoryEvent[]): History =>
  CLEAN.flatMap((event) => (is(event) ? [...events, event] : [event]));
const changed = <Kind extends HistoryEvent>(is: Is, change: (event: Kind) => HistoryEvent): History =>
  CLEAN.map((event) => (is(event) ? change(event as Kind) : event));
const swapped = (one: Is, other: Is): History => {
  const [first, second] = [CLEAN.find(one), CLEAN.find(other)] as [HistoryEvent, HistoryEvent];
  return CLEAN.map((event) => (event === first ? second : event === second ? first : event));
};
const held = (change: (records: readonly Reading[]) => readonly Reading[], rest: Partial<ReadBack> = {}): History =>
  changed<ReadBack>(isType("readBack"), (event) => ({ ...event, records: change(event.records), ...rest }));
const duplicate = (call: number, client: string, value: string, sequence: number, place: number): HistoryEvent[] => [
  publish(call, client, [value], sequence),
  { ...published(call, place), isDuplicate: true },
];
const twin = (value: string, offset: number): Reading => ({
  ...(RECORDS[offset] as Reading),
  value,
  digest: `#${value}`,
});

const PLANTED: readonly (readonly [AnomalyName, string, History])[] = [
  ["A1", "the oldest record is gone", held((all) => all.slice(1))],
  ["A1", "one in the midst is gone", held((all) => all.filter(({ value }) => value !== "v1"))],
  ["A1", "the newest is gone", held((all) => all.slice(0, -1), { head: 7 })],
  [
    "A1",
    "a whole epoch is gone without a fault",
    held((all) => all.map((each) => ({ ...each, epoch: "e1" })), { epoch: "e1" }),
  ],
  [
    "A1",
    "a synced record is gone after a power cut",
    [...before(isType("quiet"), fault("power", "memory"))]
      .map((event) => (event.type === "publish" ? { ...event, durability: "synced" as const } : event))
      .map((event) => (event.type === "readBack" ? { ...event, records: event.records.slice(0, -1), head: 7 } : event)),
  ],
  [
    "A1",
    "what was answered behind a power cut, in the epoch that has run since",
    lastOne(["publish", "power", "published"], "e0"),
  ],
  ["A2", "a reader never gets the newest", without(isDelivery("r2", 7))],
  ["A2", "a reader never gets anything", without(isDelivery("r2", 6), isDelivery("r2", 7))],
  [
    "A2",
    "a reader stops behind a gap",
    behind(isDelivery("r2", 6), ...[]).filter((event) => !isDelivery("r2", 7)(event)),
  ],
  ["A2", "a reader never gets the newest of a key that it asks for", filtered(1, 3, 4, 5)],
  ["A3", "a publish is not answered", without(isCall("published", 6)).map(late)],
  ["A3", "the first one is not answered", without(isCall("published", 1)).map(late)],
  ["A3", "a batch is not answered", without(isCall("published", 4)).map(late)],
  ["A4", "the head told is older than an acknowledgement", behind(isCall("published", 6), ...look(30, 7))],
  ["A4", "the head goes back", behind(isCall("looked", 21), ...look(30, 5))],
  ["A4", "the tail goes back", behind(isCall("looked", 21), ...look(30, 6, 2), ...look(31, 6, 1))],
  ["A4", "the tail is above the head", behind(isCall("looked", 22), ...look(30, 8, 9))],
  ["A4", "a reader begins above the head", behind(isCall("looked", 22), ...open("r9", "u9", 9, 8))],
  ["A5", "a value of a producer is stored twice", held((all) => [...all, record(8, "v0")], { head: 9 })],
  ["A5", "a user gets a record again on the same connection", behind(isDelivery("r2", 7), delivered("r2", 7))],
  ["A5", "a user gets a record again after resuming", before(isDelivery("r2", 6), delivered("r2", 5))],
  ["A6", "duplicate of what is not there", before(isType("quiet"), ...duplicate(30, "ana", "x", 0, 0))],
  ["A6", "duplicate at another value's place", before(isType("quiet"), ...duplicate(30, "ana", "v0", 0, 1))],
  ["A6", "other bytes under the same sequence", before(isType("quiet"), ...duplicate(30, "ana", "y", 1, 1))],
  ...(
    [
      ["ana", 2],
      ["bob", 1],
      ["eve", 0],
    ] as const
  ).map(
    ([client, sequence]) =>
      [
        "A7",
        `sequence ${sequence} of ${client} is refused`,
        before(isType("quiet"), publish(30, client, ["z"], sequence), {
          type: "refused",
          call: 30,
          at,
          code: "out_of_sequence",
        }),
      ] as const,
  ),
  ["A8", "two neighbours are swapped", swapped(isDelivery("r1", 1), isDelivery("r1", 2))],
  ["A8", "the first comes last", swapped(isDelivery("r1", 0), isDelivery("r1", 5))],
  ["A8", "the newest two are swapped", swapped(isDelivery("r2", 6), isDelivery("r2", 7))],
  ["A9", "a client's two publishes are stored the other way round", answeredSwapped(1, 0, 2, 1)],
  ["A9", "with others in between", answeredSwapped(1, 0, 6, 7)],
  ["A9", "its newest two", answeredSwapped(5, 6, 6, 7)],
  ["A10", "another client's later publish stands before", answeredSwapped(2, 1, 3, 2)],
  ["A10", "by far", answeredSwapped(3, 2, 6, 7)],
  ["A10", "the first and the third", answeredSwapped(1, 0, 3, 2)],
  ["A11", "a record in the midst is left out", without(isDelivery("r1", 2))],
  ["A11", "the first record is left out", without(isDelivery("r1", 0))],
  ["A11", "several are left out", without(isDelivery("r1", 1), isDelivery("r1", 2))],
  [
    "A11",
    "a gap is told that does not reach",
    without(isDelivery("r1", 1), isDelivery("r1", 2)).flatMap((event) =>
      isDelivery("r1", 0)(event) ? [event, gap("r1", 1, 1, 2)] : [event],
    ),
  ],
  ["A11", "the first record of a key that is asked for is left out", filtered(3, 4, 5, 6)],
  ["A11", "one of a key that is asked for is left out", filtered(1, 4, 5, 6)],
  [
    "A11",
    "one of a key that is asked for is left out before a gap",
    filtered(1, 6).flatMap((event) => (isDelivery("r9", 6)(event) ? [gap("r9", 5, 5, 6), event] : [event])),
  ],
  ["A12", "resuming leaves a record out", without(isDelivery("r2", 6))],
  [
    "A12",
    "a gap after resuming begins elsewhere",
    before(isDelivery("r2", 7), gap("r2", 7, 6, 7)).filter((event) => !isDelivery("r2", 6)(event)),
  ],
  ["A12", "resuming goes back", before(isDelivery("r2", 6), delivered("r2", 4), delivered("r2", 5))],
  ["A13", "over what was delivered", behind(isDelivery("r1", 2), gap("r1", 1, 2, 3))],
  ["A13", "from above to", behind(isDelivery("r1", 2), gap("r1", 3, 2, 3))],
  [
    "A13",
    "over what has not left",
    before(isDelivery("r1", 0), gap("r1", 0, 0, 1)).filter((event) => !isDelivery("r1", 0)(event)),
  ],
  [
    "A13",
    "damaged, and somebody gets it later",
    before(isDelivery("r1", 0), gap("r1", 0, 0, 1, { reason: "corrupt" })).filter(
      (event) => !isDelivery("r1", 0)(event),
    ),
  ],
  ["A14", "a value of nobody", changed<Delivered>(isDelivery("r1", 1), (event) => ({ ...event, value: "ghost" }))],
  ["A14", "with other bytes", changed<Delivered>(isDelivery("r1", 1), (event) => ({ ...event, digest: "#other" }))],
  [
    "A14",
    "before it was published",
    behind(isDelivery("r1", 2), { type: "delivered", reader: "r1", at, ...twin("v7", 3) }),
  ],
  ["A14", "in the log only", held((all) => [...all, record(8, "ghost")], { head: 9 })],
  ...[1, 3, 6].map(
    (call) =>
      [
        "A15",
        `publish ${call} was refused`,
        changed(isCall("published", call), () => ({ type: "refused", call, at, code: "rate_limited" })),
      ] as const,
  ),
  ["A16", "the end of a batch is not stored", held((all) => all.slice(0, 5), { head: 5 })],
  [
    "A16",
    "its midst is something else",
    held((all) => all.map((each) => (each.offset === 4 ? { ...each, ...twin("v7", 4) } : each))),
  ],
  [
    "A16",
    "its beginning is something else",
    held((all) => all.map((each) => (each.offset === 3 ? { ...each, ...twin("v7", 3) } : each))),
  ],
  [
    "A16",
    "a reader gets half of it",
    changed<Delivered>(isDelivery("r1", 5), (event) => ({ ...event, ...twin("v7", 5) })),
  ],
  ["A16", "the head is shown in its midst", behind(isCall("looked", 21), ...look(30, 4))],
  [
    "A17",
    "a reader gets another value",
    changed<Delivered>(isDelivery("r1", 1), (event) => ({ ...event, ...twin("v7", 1) })),
  ],
  [
    "A17",
    "a reader gets other parts of it",
    changed<Delivered>(isDelivery("r2", 7), (event) => ({ ...event, digest: "#v7 without key" })),
  ],
  [
    "A17",
    "a reader gets another time",
    changed<Delivered>(isDelivery("r1", 2), (event) => ({ ...event, timestamp: T0 + 999 })),
  ],
  [
    "A17",
    "the publisher was told another time",
    changed<Published>(isCall("published", 6), (event) => ({ ...event, timestamp: T0 })),
  ],
  ["A18", "in the log", held((all) => all.map((each) => (each.offset === 7 ? { ...each, timestamp: T0 } : each)))],
  [
    "A18",
    "by an hour",
    held((all) => all.map((each) => (each.offset >= 6 ? { ...each, timestamp: each.timestamp - 3_600_000 } : each))),
  ],
  [
    "A18",
    "one runs ahead",
    held((all) => all.map((each) => (each.offset === 1 ? { ...each, timestamp: T0 + 99 } : each))),
  ],
  [
    "A19",
    "two publishes are given one place",
    changed<Published>(isCall("published", 6), (event) => ({ ...event, places: published(5, 6).places })),
  ],
  [
    "A19",
    "everybody reads another value at an acknowledged place",
    CLEAN.map((event) => {
      if (isDelivery("r1", 2)(event)) return { type: "delivered", reader: "r1", at, ...twin("v1", 2) };
      if (event.type !== "readBack") return event;
      return { ...event, records: event.records.map((each) => (each.offset === 2 ? twin("v1", 2) : each)) };
    }),
  ],
  [
    "A19",
    "an old epoch comes back",
    before(isType("quiet"), fault("power", "memory"), ...look(30, 8, 0, "e1"), ...look(31, 8)),
  ],
  [
    "A20",
    "begun while the disk was full, and something is stored in it",
    [
      ...before(
        isType("quiet"),
        fault("power", "memory"),
        ...look(40, 8),
        fault("full disk", "none"),
        ...look(30, 8, 0, "e1"),
      ),
    ],
  ],
  ["A20", "while the hub runs", before(isType("quiet"), ...look(30, 8, 0, "e1"))],
  ["A20", "with a restart that costs nothing", before(isType("quiet"), fault("kill", "none"), ...look(30, 8, 0, "e1"))],
  ["A20", "seen at the end only", held((all) => all, { epoch: "e1" })],
];

function late(event: HistoryEvent): HistoryEvent {
  return event.type === "end" ? { ...event, at: 60_000 } : event;
}

/** A record whose publish, loss with the power, and answer come in this order, and which is not there in the end. @param epoch of the end */
function lastOne(order: readonly ("publish" | "power" | "published")[], epoch: string): History {
  const events = { publish: publish(1, "ana", ["v0"]), power: fault("power", "memory"), published: published(1, 0) };
  const end: ReadBack = { ...readBack, ...bounds(0, 0, epoch), records: [] };
  return [...order.map((name) => events[name]), { type: "quiet", at: 100 }, end, { type: "end", at: 6_000 }];
}

/** Two acknowledgements of single publishes exchange their places; the log and the readers agree. */
function answeredSwapped(one: number, first: number, other: number, second: number): History {
  const values = [VALUES[first], VALUES[second]];
  const names = new Map([
    [values[0], values[1]],
    [values[1], values[0]],
  ]);
  const renamed = <Kind extends Reading>(each: Kind): Kind => {
    const value = names.get(each.value as (typeof VALUES)[number]);
    return value === undefined ? each : { ...each, value, digest: `#${value}` };
  };
  return CLEAN.map((event) => {
    if (isCall("published", one)(event)) return { ...published(one, second) };
    if (isCall("published", other)(event)) return { ...published(other, first) };
    if (event.type === "readBack") return { ...event, records: event.records.map(renamed) };
    return event.type === "delivered" ? renamed(event) : event;
  });
}

/** A reader who asks for one key gets so much; v1, the batch and v6 have it. */
function filtered(...got: readonly number[]): History {
  const keyed = new Set([2, 4, 5]);
  const opened = open("r9", "u9", 0, 8).map((event) =>
    event.type === "open" ? { ...event, isFiltered: true, keys: ["k"] } : event,
  );
  return before(isType("quiet"), ...opened, ...got.map((offset) => delivered("r9", offset))).map((event) =>
    event.type === "publish" && keyed.has(event.call) ? { ...event, key: "k" } : event,
  );
}

describe("a planted anomaly", () => {
  it.each(PLANTED)("%s is found: %s", (name, _how, history) => {
    const { anomalies } = judge(history, NOTHING);

    expect(anomalies.map((each) => each.name)).toContain(name);
  });

  it("is not in the run before anything is planted", () => {
    expect(judge(CLEAN, NOTHING).anomalies).toEqual([]);
  });

  it("is no record that a reader didn't ask for", () => {
    expect(judge(filtered(1, 3, 4, 5, 6), NOTHING).anomalies).toEqual([]);
  });

  it("is no answer from before a power cut that a stalled client reads after it", () => {
    expect(judge(lastOne(["publish", "power", "published"], "e1"), NOTHING).anomalies).toEqual([]);
  });

  it("is no epoch that could not be written down, since the disk was full", () => {
    const told = [
      fault("power", "memory"),
      ...look(30, 8, 0, "e1"),
      fault("full disk", "none"),
      ...look(31, 8, 0, "e2"),
    ];
    const history = [...told, { type: "quiet", at: 100 }, { type: "end", at: 6_000 }] as const;

    expect(judge(history, NOTHING).anomalies).toEqual([]);
    expect(judge(history.toSpliced(3, 1), NOTHING).anomalies.map(({ name }) => name)).toContain("A20");
  });

  it("is no tail that a power cut puts back", () => {
    const told = [gap("r3", 0, 1, 2), fault("power", "memory"), ...look(31, 2, 1, "e0")];
    const history: History = [
      ...open("r3", "u3", 0, 2),
      ...told,
      { type: "quiet", at: 100 },
      { type: "end", at: 6_000 },
    ];

    expect(judge(history, NOTHING).anomalies).toEqual([]);
    expect(
      judge(
        history.filter(({ type }) => type !== "fault"),
        NOTHING,
      ).anomalies.map(({ name }) => name),
    ).toContain("A13");
  });

  it("was each planted at least three ways", () => {
    for (let n = 1; n <= 20; n++)
      expect(PLANTED.filter(([name]) => name === `A${n}`).length, `A${n}`).toBeGreaterThanOrEqual(3);
  });
});

describe("a run that says nothing", () => {
  it("has too few acknowledgements", () => {
    expect(judge(CLEAN, { acknowledged: 7, faults: 0 }).vacuous).toEqual([
      "6 publishes were acknowledged, 7 are demanded",
    ]);
  });

  it("has too few faults", () => {
    expect(judge(behind(isType("quiet"), fault("kill", "none")), { acknowledged: 1, faults: 2 }).vacuous).toEqual([
      "1 faults took effect, 2 are demanded",
    ]);
  });

  it("has mostly unknown outcomes", () => {
    const history = CLEAN.map((event) =>
      event.type === "published" && event.call > 2 ? ({ type: "unknown", call: event.call, at } as const) : event,
    );
    expect(judge(history, NOTHING).vacuous).toEqual(["the outcome of 4 of 6 publishes is unknown"]);
  });
});
