/**
 * The week of earthquakes that the demo replays: the feed of the US Geological Survey from 31 January to 7 February 2018,
 * as vega-datasets carries it (`data/earthquakes.json`, GeoJSON, newest first, public domain).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Quake } from "./quake.js";

/** A quake with the network that reported it, which becomes the message's key. */
export interface ReportedQuake {
  /** Code of the seismic network, e.g. `ci` for Southern California. */
  readonly network: string;
  readonly quake: Quake;
}

interface Feature {
  readonly id: string;
  readonly properties: {
    readonly mag: number;
    readonly place: string;
    readonly time: number;
    readonly net: string;
    readonly type: string;
  };
  readonly geometry: { readonly coordinates: readonly [longitude: number, latitude: number, depthKm: number] };
}

/**
 * Reads the week from the built assets.
 *
 * @param assets the folder with `demo/earthquakes.json`
 * @returns 1,707 quakes, oldest first
 */
export function readWeek(assets: string): readonly ReportedQuake[] {
  const feed = JSON.parse(readFileSync(join(assets, "demo", "earthquakes.json"), "utf8")) as { features: Feature[] };
  return feed.features.map(toReportedQuake).sort((a, b) => a.quake.time - b.quake.time);
}

function toReportedQuake({ id, properties, geometry }: Feature): ReportedQuake {
  const [longitude, latitude, depthKm] = geometry.coordinates;
  const { mag: magnitude, place, time, type } = properties;
  return { network: properties.net, quake: { id, magnitude, place, time, longitude, latitude, depthKm, type } };
}
