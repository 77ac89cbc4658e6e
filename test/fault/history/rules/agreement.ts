/** Whether everybody was told the same of a partition, at all times: A4, A17 to A20. */
import type { Anomaly } from "../history.js";
import { groupBy, nameOf, partitionKey, type HistoryIndex, type Standing } from "../history-index.js";

export function agreement(index: HistoryIndex): Anomaly[] {
  return [...stale(index), ...divergence(index), ...clockBack(index), ...epochs(index)];
}

/** A4 */
function stale({ calls, standings }: HistoryIndex): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const acknowledged = calls.flatMap(({ places, ended, publish }) =>
    places.map((place) => ({
      key: `${partitionKey(place)} ${place.epoch}`,
      offset: place.offset,
      ended,
      call: publish.call,
    })),
  );
  const byEpoch = groupBy(standings, (each) => `${partitionKey(each)} ${each.epoch}`);
  const acksByEpoch = groupBy(acknowledged, ({ key }) => key);
  for (const [key, told] of byEpoch) {
    for (const each of told) {
      if (each.tail > each.head)
        anomalies.push({ name: "A4", what: `${key}: tail ${each.tail} above head ${each.head}` });
      if ((each.next ?? 0) > each.head) {
        anomalies.push({ name: "A4", what: `${key}: a reader begins at ${each.next}, above head ${each.head}` });
      }
    }
    const acks = acksByEpoch.get(key) ?? [];
    const current = told.filter(({ isCurrent }) => isCurrent);
    for (const each of current) {
      const ack = acks.find(({ ended, offset }) => ended < each.asked && offset >= each.head);
      if (ack === undefined) continue;
      anomalies.push({
        name: "A4",
        what: `${key}: head ${each.head} was told after offset ${ack.offset} had been acknowledged`,
      });
    }
    anomalies.push(...runsBack(key, current));
  }
  return anomalies;
}

/** Of two questions, the second asked when the first was answered: neither bound goes back. */
function runsBack(key: string, told: readonly Standing[]): Anomaly[] {
  const answered = told.toSorted((a, b) => a.told - b.told);
  const asked = told.toSorted((a, b) => a.asked - b.asked);
  const highest = { head: -1, tail: -1 };
  let at = 0;
  return asked.flatMap((each): Anomaly[] => {
    for (; (answered[at]?.told ?? Infinity) < each.asked; at++) {
      highest.head = Math.max(highest.head, answered[at]?.head ?? -1);
      highest.tail = Math.max(highest.tail, answered[at]?.tail ?? -1);
    }
    return (["head", "tail"] as const)
      .filter((bound) => each[bound] < highest[bound])
      .map((bound) => ({ name: "A4", what: `${key}: ${bound} went back from ${highest[bound]} to ${each[bound]}` }));
  });
}

/** A17: one place, two contents. A19, where two publishes were both given the place. */
function divergence({ readings, calls }: HistoryIndex): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const seen = new Map<string, { digest: string; value: string; timestamp: number; by: string }>();
  for (const { record, by } of readings) {
    const before = seen.get(nameOf(record));
    if (before === undefined) seen.set(nameOf(record), { ...record, by });
    else if (
      before.value !== record.value ||
      before.digest !== record.digest ||
      before.timestamp !== record.timestamp
    ) {
      anomalies.push({
        name: "A17",
        what: `${nameOf(record)} is ${before.value} to ${before.by} and ${record.value} to ${by}, or differs in its parts`,
      });
    }
  }
  const given = new Map<string, { value: string; timestamp: number }>();
  for (const { places, publish, timestamp, isDuplicate } of calls) {
    places.forEach((place, at) => {
      const value = publish.values[at]?.value ?? "";
      const [before, read] = [given.get(nameOf(place)), seen.get(nameOf(place))];
      given.set(nameOf(place), before ?? { value, timestamp });
      if (before !== undefined && before.value !== value && !isDuplicate) {
        anomalies.push({ name: "A19", what: `${nameOf(place)} was given to ${before.value} and to ${value}` });
      }
      if (read === undefined || isDuplicate) return;
      if (read.value !== value)
        anomalies.push({
          name: "A19",
          what: `${nameOf(place)} was given to ${value}, and ${read.by} got ${read.value} there`,
        });
      else if (read.timestamp !== timestamp) {
        anomalies.push({
          name: "A17",
          what: `${nameOf(place)} is of ${timestamp} to its publisher and of ${read.timestamp} to ${read.by}`,
        });
      }
    });
  }
  return anomalies;
}

/** A18 */
function clockBack({ readings }: HistoryIndex): Anomaly[] {
  const byEpoch = groupBy(readings, ({ record }) => `${partitionKey(record)} ${record.epoch}`);
  return [...byEpoch].flatMap(([key, all]) => {
    const byOffset = groupBy(all, ({ record }) => record.offset);
    let latest = -Infinity;
    return [...byOffset]
      .toSorted(([one], [other]) => one - other)
      .flatMap(([offset, same]): Anomaly[] => {
        const before = latest;
        const times = same.map(({ record }) => record.timestamp);
        latest = Math.max(latest, ...times);
        if (Math.min(...times) >= before) return [];
        return [
          { name: "A18", what: `${key}: offset ${offset} is of ${Math.min(...times)}, one before it of ${before}` },
        ];
      });
  });
}

/** A19: an epoch comes back. A20: one changes although nothing happened that could cost a record. */
function epochs({ calls, standings, faults, readBacks }: HistoryIndex): Anomaly[] {
  const anomalies: Anomaly[] = [];
  for (const [key, told] of groupBy(
    standings.filter(({ isCurrent }) => isCurrent),
    partitionKey,
  )) {
    const left = new Map<string, number>();
    let now: Standing | undefined;
    for (const each of told.toSorted((a, b) => a.asked - b.asked)) {
      if (now !== undefined && each.asked < now.told) continue;
      const leftAt = left.get(each.epoch);
      if (leftAt !== undefined && leftAt < each.asked)
        anomalies.push({ name: "A19", what: `${key}: epoch ${each.epoch} came back` });
      if (now !== undefined && now.epoch !== each.epoch) {
        left.set(now.epoch, each.told);
        anomalies.push(...needless(key, now, each));
      }
      now = each;
    }
    const last = readBacks.get(key)?.epoch;
    if (now !== undefined && last !== undefined && last !== now.epoch) {
      anomalies.push(...needless(key, now, { epoch: last, told: Infinity }));
    }
  }
  return anomalies;

  function needless(key: string, before: Standing, after: { epoch: string; told: number }): Anomaly[] {
    const costly = faults.filter(({ fault }) => fault.costs !== "none");
    if (costly.some(({ index }) => index > before.asked && index < after.told)) return [];
    if (isUnwritten(key, before)) return [];
    return [{ name: "A20", what: `${key}: epoch ${before.epoch} became ${after.epoch}, and nothing had happened` }];
  }

  /** An epoch that begins after a power cut while the disk is full can't be written down: it lives as long as the process, and nothing is stored in it. */
  function isUnwritten(key: string, { epoch, told }: Standing): boolean {
    const isUsed = calls.some(({ places }) =>
      places.some((place) => place.epoch === epoch && partitionKey(place) === key),
    );
    const cut = faults.findLast(({ fault, index }) => fault.costs === "memory" && index < told);
    const isFullBehind = faults.some(
      ({ fault, index }) => fault.name === "full disk" && index > (cut?.index ?? Infinity),
    );
    return !isUsed && isFullBehind;
  }
}
