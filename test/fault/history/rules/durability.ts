/** What was acknowledged is there, once and whole: A1, A5 (stored twice), A16. */
import type { Anomaly, Place, ReadBack } from "../history.js";
import { nameOf, partitionKey, type Call, type HistoryIndex } from "../history-index.js";

export function durability(index: HistoryIndex): Anomaly[] {
  return [...lost(index), ...storedTwice(index), ...torn(index), ...tornHead(index)];
}

/** A1: acknowledged, retained, and not there in the end. */
function lost(index: HistoryIndex): Anomaly[] {
  const held = new Map([...index.readBacks].map(([key, readBack]) => [key, placesOf(readBack)]));
  const deleted = index.faults.filter(({ fault }) => fault.costs === "topic").at(-1)?.index ?? -1;
  return index.calls.flatMap((call): Anomaly[] => {
    if (call.outcome !== "ok" || call.ended < deleted) return [];
    return call.places.flatMap((place, at): Anomaly[] => {
      const readBack = index.readBacks.get(partitionKey(place));
      if (readBack === undefined || place.offset < readBack.tail || wasLetGo(place, call, index)) return [];
      if (mayBeGone(call, place.epoch !== readBack.epoch, index)) return [];
      if (held.get(partitionKey(place))?.get(`${place.epoch}/${place.offset}`) !== undefined) return [];
      const what = `${call.publish.values[at]?.value} was acknowledged at ${nameOf(place)} and is not there`;
      return [{ name: "A1", what: `${what} (${whereabouts(place.offset, readBack)})` }];
    });
  });
}

/** Retention has passed it before the end: a log of which nothing was left may begin anew at 0, in another epoch. */
function wasLetGo(place: Place, call: Call, { standings }: HistoryIndex): boolean {
  const key = partitionKey(place);
  return standings.some((seen) => partitionKey(seen) === key && seen.told > call.ended && seen.tail > place.offset);
}

/**
 * `stored` is kept over the death of the process, not over that of the machine. A client that is stalled may read an answer from before
 * a power cut after it: the epoch tells that it is so old.
 *
 * @param isOldEpoch another epoch has begun since it was stored
 */
function mayBeGone({ publish, invoked, ended }: Call, isOldEpoch: boolean, { faults }: HistoryIndex): boolean {
  const from = isOldEpoch ? invoked : ended;
  return publish.durability === "stored" && faults.some(({ fault, index }) => fault.costs === "memory" && index > from);
}

function placesOf(readBack: ReadBack): Map<string, string> {
  return new Map(readBack.records.map(({ epoch, offset, value }) => [`${epoch}/${offset}`, value]));
}

/** As Jepsen sorts losses: what is around tells whether an end was cut off, or a hole was made. */
function whereabouts(offset: number, { records }: ReadBack): "prefix" | "middle" | "postfix" {
  if (records.every((record) => record.offset > offset)) return "prefix";
  return records.every((record) => record.offset < offset) ? "postfix" : "middle";
}

/** A5: one value at two places of what is there in the end. Every value is published by one call, with one sequence where it has a producer. */
function storedTwice({ readBacks, callsOf }: HistoryIndex): Anomaly[] {
  return [...readBacks.values()].flatMap((readBack): Anomaly[] => {
    const seen = new Map<string, string>();
    return readBack.records.flatMap((record): Anomaly[] => {
      const before = seen.get(record.value);
      seen.set(record.value, nameOf(record));
      if (before === undefined || callsOf.get(record.value)?.[0]?.call.publish.producer === undefined) return [];
      return [{ name: "A5", what: `${record.value} is stored at ${before} and at ${nameOf(record)}` }];
    });
  });
}

/** A16: a part of a batch is there in the end, or was delivered with something else in its midst. */
function torn({ calls, readBacks, readers }: HistoryIndex): Anomaly[] {
  const batches = new Map(
    calls.flatMap(({ publish: { values, call } }) =>
      values.length < 2 ? [] : values.map(({ value }, at) => [value, { call, at, values }] as const),
    ),
  );
  /** Of records that follow each other without a hole: whether a batch is left or entered in its midst. */
  const seam = (
    one: { value: string; offset: number } | undefined,
    two: { value: string; offset: number },
    by: string,
  ) => {
    const left = one === undefined ? undefined : batches.get(one.value);
    const entered = batches.get(two.value);
    const expected = left?.values[left.at + 1]?.value;
    if (one !== undefined && two.offset === one.offset + 1 && expected !== undefined && expected !== two.value) {
      return [
        {
          name: "A16" as const,
          what: `${by}: ${two.value} follows ${one.value} at ${two.offset}, in the midst of its batch`,
        },
      ];
    }
    const previous = entered?.values[entered.at - 1]?.value;
    const isEntered =
      one !== undefined && two.offset === one.offset + 1 && previous !== undefined && previous !== one.value;
    return isEntered
      ? [
          {
            name: "A16" as const,
            what: `${by}: ${two.value} at ${two.offset} comes without what its batch has before it`,
          },
        ]
      : [];
  };
  const anomalies: Anomaly[] = [];
  for (const readBack of readBacks.values()) {
    readBack.records.forEach((record, at) => anomalies.push(...seam(readBack.records[at - 1], record, "reading back")));
    const last = readBack.records.at(-1);
    const end = last === undefined ? undefined : batches.get(last.value);
    if (
      last !== undefined &&
      end !== undefined &&
      last.offset + 1 === readBack.head &&
      end.at + 1 < end.values.length
    ) {
      anomalies.push({ name: "A16", what: `the log ends with ${last.value}, in the midst of its batch` });
    }
  }
  for (const [name, { got }] of readers) {
    for (const steps of got.values()) {
      steps.forEach((step, at) => {
        const before = steps[at - 1];
        if (step.kind !== "record" || before?.kind !== "record") return;
        anomalies.push(...seam(before.record, step.record, `reader ${name}`));
      });
    }
  }
  return anomalies;
}

/** A16 as well: a head in the midst of a batch was shown, so that a part of it could have been read. */
function tornHead({ calls, standings }: HistoryIndex): Anomaly[] {
  const inside = new Map<string, string>();
  for (const { places, publish } of calls) {
    places.slice(1).forEach((place, at) => {
      const before = places[at];
      if (before?.partition !== place.partition || before.offset + 1 !== place.offset) return;
      inside.set(nameOf(place), publish.values[at + 1]?.value ?? "");
    });
  }
  return standings.flatMap((standing): Anomaly[] => {
    if (!standing.isCurrent) return [];
    const value = inside.get(nameOf({ ...standing, offset: standing.head }));
    if (value === undefined) return [];
    return [
      {
        name: "A16",
        what: `the head of ${partitionKey(standing)} stood at ${standing.head}, before ${value} in the midst of a batch`,
      },
    ];
  });
}
