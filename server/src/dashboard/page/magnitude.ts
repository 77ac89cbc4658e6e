/** How a magnitude looks: five classes with a colour each, and a radius that grows as the energy does. */

/** Lower edges of the classes 1 to 4; class 0 is everything below. */
const CLASS_EDGES = [1, 2.5, 4.5, 6];

/** Names of the classes in the legend. */
export const CLASS_NAMES = ["< 1", "1", "2.5", "4.5", "6 +"];

/** Class of a magnitude, 0 to 4. The colours are the style's `--m0` to `--m4`. */
export function magnitudeClass(magnitude: number): number {
  return CLASS_EDGES.filter((edge) => magnitude >= edge).length;
}

/** Radius of a quake's dot in pixels on a map 900 pixels wide. */
export function radiusOf(magnitude: number): number {
  return Math.min(30, Math.max(1.7, 1.55 * Math.exp(0.4 * magnitude)));
}

/** `4.5`, with a true minus sign. */
export function magnitudeText(magnitude: number): string {
  return magnitude.toFixed(1).replace("-", "−");
}
