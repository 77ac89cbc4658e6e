/**
 * The map's geometry: topology to rings of degrees, and the Natural Earth projection (T. Patterson; polynomial by B. Šavrič,
 * 2011), which shows the whole world in a calm oval.
 */

/** What is used of a TopoJSON topology. @see https://github.com/topojson/topojson-specification */
export interface Topology {
  readonly transform: { readonly scale: readonly [number, number]; readonly translate: readonly [number, number] };
  /** Each arc: points as differences to the point before, in the transform's steps. */
  readonly arcs: readonly (readonly (readonly [number, number])[])[];
  readonly objects: { readonly land: { readonly arcs: readonly (readonly (readonly number[])[])[] } };
}

/** Longitude and latitude in degrees. */
export type Point = readonly [longitude: number, latitude: number];

/** Half the width and half the height of the projected world, in its own units. */
export const WORLD_HALF_WIDTH = 0.8707 * Math.PI;
export const WORLD_HALF_HEIGHT = projectedHeight(Math.PI / 2);

/** The coastlines as closed rings; outer ones and holes alike, to be filled by the even-odd rule. */
export function landRings(topology: Topology): Point[][] {
  const arcs = topology.arcs.map((arc) => decodeArc(arc, topology.transform));
  return topology.objects.land.arcs.flatMap((polygon) =>
    polygon.map((ring) => ring.flatMap((index) => orientedArc(arcs, index))),
  );
}

/**
 * Projects to x and y in units of the projection, y upwards.
 * @param longitude degrees, -180 to 180
 * @param latitude  degrees, -90 to 90
 */
export function project(longitude: number, latitude: number): readonly [x: number, y: number] {
  const lambda = (longitude * Math.PI) / 180;
  const phi = (latitude * Math.PI) / 180;
  const phi2 = phi * phi;
  const phi4 = phi2 * phi2;
  const x = lambda * (0.8707 - 0.131979 * phi2 + phi4 * (-0.013791 + phi4 * (0.003971 * phi2 - 0.001529 * phi4)));
  return [x, projectedHeight(phi)];
}

function projectedHeight(phi: number): number {
  const phi2 = phi * phi;
  const phi4 = phi2 * phi2;
  return phi * (1.007226 + phi2 * (0.015085 + phi4 * (-0.044475 + 0.028874 * phi2 - 0.005916 * phi4)));
}

function decodeArc(arc: Topology["arcs"][number], { scale, translate }: Topology["transform"]): Point[] {
  let x = 0;
  let y = 0;
  return arc.map(([dx, dy]) => {
    x += dx;
    y += dy;
    return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
  });
}

/** A negative index means the arc of its complement, backwards. */
function orientedArc(arcs: readonly Point[][], index: number): Point[] {
  return index >= 0 ? (arcs[index] ?? []) : (arcs[~index] ?? []).toReversed();
}
