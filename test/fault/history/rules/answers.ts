/** Whether publishes were answered, and rightly: A3, A6, A7, A9, A10. */
import type { Anomaly } from "../history.js";
import {
  groupBy,
  isSameValue,
  lineageOf,
  nameOf,
  partitionKey,
  type Call,
  type HistoryIndex,
} from "../history-index.js";

/** A publish that has neither an answer nor a closed connection after so long hangs. */
export const HUNG_AFTER_MS = 30_000;

export function answers(index: HistoryIndex): Anomaly[] {
  return [
    ...hung(index),
    ...falseDuplicates(index),
    ...falseOutOfSequence(index),
    ...orderOfSending(index),
    ...realTime(index),
  ];
}

/** A3 */
function hung({ calls, endAt }: HistoryIndex): Anomaly[] {
  return calls
    .filter((call) => call.outcome === "none" && endAt - call.publish.at > HUNG_AFTER_MS)
    .map(({ publish }) => ({
      name: "A3",
      what: `publish ${publish.call} of ${publish.client} was not answered in ${endAt - publish.at} ms`,
    }));
}

/** A6: said to be stored already, where there is something else, or under a sequence that had other bytes. */
function falseDuplicates({ calls, readings }: HistoryIndex): Anomaly[] {
  const at = new Map(readings.map(({ record }) => [nameOf(record), record]));
  const sequences = new Map<string, Call>();
  return calls.flatMap((call): Anomaly[] => {
    const { publish, places, isDuplicate } = call;
    const anomalies: Anomaly[] = [];
    if (isDuplicate) {
      places.forEach((place, n) => {
        const [found, value] = [at.get(nameOf(place)), publish.values[n]];
        if (found === undefined || value === undefined || isSameValue(found, value)) return;
        anomalies.push({
          name: "A6",
          what: `${value.value} is said to be at ${nameOf(place)} already, where ${found.value} is`,
        });
      });
    }
    if (publish.producer === undefined || call.outcome !== "ok") return anomalies;
    const key = `${publish.topic} ${publish.producer.id} ${publish.producer.sequence}`;
    const other = sequences.get(key);
    sequences.set(key, other ?? call);
    if (other !== undefined && publish.values.some(({ digest }, n) => other.publish.values[n]?.digest !== digest)) {
      const what = `publishes ${other.publish.call} and ${publish.call} have sequence ${publish.producer.sequence} of ${publish.producer.id} and other bytes`;
      anomalies.push({ name: "A6", what: `${what}, and both are acknowledged` });
    }
    return anomalies;
  });
}

/** A7: refused as out of sequence although every sequence before was acknowledged first. */
function falseOutOfSequence({ calls, faults }: HistoryIndex): Anomaly[] {
  const acknowledged = new Map<string, Map<number, number>>();
  for (const { publish, outcome, ended } of calls) {
    if (outcome !== "ok" || publish.producer === undefined) continue;
    const key = `${publish.topic} ${publish.producer.id}`;
    const of = acknowledged.get(key) ?? new Map<number, number>();
    acknowledged.set(
      key,
      of.set(publish.producer.sequence, Math.min(ended, of.get(publish.producer.sequence) ?? Infinity)),
    );
  }
  return calls.flatMap(({ publish, code, invoked }): Anomaly[] => {
    const { producer } = publish;
    if (code !== "out_of_sequence" || producer === undefined) return [];
    // What the machine or the topic lost, the producer's sequences among it, the producer can't go on from.
    if (faults.some(({ fault, index }) => fault.costs !== "none" && index < invoked)) return [];
    const of = acknowledged.get(`${publish.topic} ${producer.id}`);
    for (let sequence = 0; sequence < producer.sequence; sequence++) {
      if ((of?.get(sequence) ?? Infinity) > invoked) return [];
    }
    return [
      {
        name: "A7",
        what: `sequence ${producer.sequence} of ${producer.id} was refused, and none before it is missing`,
      },
    ];
  });
}

/** A publish that stands somewhere in the end, with what comes first in the partition. */
interface Stood {
  readonly call: Call;
  readonly position: number;
  readonly key: string;
}

/** Where acknowledged values stand: by the reading back, which alone knows the order of epochs. */
function stoodOf({ calls, readBacks, faults }: HistoryIndex): Stood[] {
  // What has left by retention may have been cut off before, and others have its offset then.
  const isTailSure = !faults.some(({ fault }) => fault.costs !== "none");
  const there = new Map(
    [...readBacks].map(([key, { records }]) => [
      key,
      new Set(records.map(({ epoch, offset }) => `${epoch}/${offset}`)),
    ]),
  );
  const order = new Map([...readBacks].map(([key, back]) => [key, lineageOf(back).map(({ epoch }) => epoch)]));
  return calls.flatMap((call): Stood[] => {
    if (call.outcome !== "ok" || call.isDuplicate) return [];
    return call.places.flatMap((place): Stood[] => {
      const epoch = order.get(partitionKey(place))?.indexOf(place.epoch) ?? -1;
      // Offsets go on from epoch to epoch: within a lineage the offset alone is the position.
      const isLeft = isTailSure && place.offset < (readBacks.get(partitionKey(place))?.tail ?? 0);
      const isThere = isLeft || there.get(partitionKey(place))?.has(`${place.epoch}/${place.offset}`) === true;
      return epoch < 0 || !isThere ? [] : [{ call, position: place.offset, key: partitionKey(place) }];
    });
  });
}

/** A9: one connection sent a before b, and b stands first. */
function orderOfSending(index: HistoryIndex): Anomaly[] {
  const last = new Map<string, Stood>();
  return stoodOf(index).flatMap((stood): Anomaly[] => {
    const key = `${stood.call.publish.client} ${stood.key}`;
    const before = last.get(key);
    if (before === undefined || before.position < stood.position) last.set(key, stood);
    if (before === undefined || before.position < stood.position || before.call === stood.call) return [];
    return [
      { name: "A9", what: `${pair(before, stood)}, which ${stood.call.publish.client} sent later, stands before it` },
    ];
  });
}

/** A10: b was sent after a had been acknowledged, whoever sent them, and b stands first. */
function realTime(index: HistoryIndex): Anomaly[] {
  const byPartition = groupBy(stoodOf(index), ({ key }) => key);
  return [...byPartition.values()].flatMap((all) => {
    const anomalies: Anomaly[] = [];
    let earliest: Stood | undefined;
    for (const stood of all.toSorted((a, b) => b.position - a.position)) {
      if (earliest !== undefined && earliest.call.ended < stood.call.invoked) {
        anomalies.push({
          name: "A10",
          what: `${pair(earliest, stood)}, sent after the first was acknowledged, stands before it`,
        });
      }
      if (earliest === undefined || stood.call.ended < earliest.call.ended) earliest = stood;
    }
    return anomalies;
  });
}

function pair(one: Stood, two: Stood): string {
  const name = ({ call, position, key }: Stood): string => `publish ${call.publish.call} at ${key} offset ${position}`;
  return `${name(one)}; ${name(two)}`;
}
