/**
 * The world with its quakes, on three canvases one above the other: land (drawn once for each size and theme), quakes (each
 * drawn once, when it comes) and ripples (the only one that is drawn frame by frame, while something moves).
 */
import type { Quake } from "../quake.js";
import { byId, contextOf, fitCanvas, make, oncePerFrame, styleValue } from "./dom.js";
import { clockText } from "./moments.js";
import { magnitudeClass, magnitudeText, radiusOf } from "./magnitude.js";
import { landRings, project, WORLD_HALF_HEIGHT, WORLD_HALF_WIDTH, type Point, type Topology } from "./projection.js";

interface Ripple {
  readonly quake: Quake;
  readonly startedMs: number;
}

const MARGIN = 14;
const DRAWN_AT_WIDTH = 900;
const MAX_RIPPLES = 120;
const GRID_STEP = 30;
/** How near the pointer must be to a quake to tell of it, pixels beyond its edge. */
const TIP_REACH = 6;
/** The newest quakes that the map keeps; the oldest make room. */
const MAX_QUAKES = 4000;

export class QuakeMap {
  readonly #box = byId("map", HTMLElement);
  readonly #land = byId("map-land", HTMLCanvasElement);
  readonly #dots = byId("map-quakes", HTMLCanvasElement);
  readonly #waves = byId("map-ripples", HTMLCanvasElement);
  readonly #tip = byId("map-tip", HTMLElement);
  readonly #still = matchMedia("(prefers-reduced-motion: reduce)");
  readonly #quakes = new Map<string, Quake>();
  readonly #redraw = oncePerFrame(() => this.#drawAll());
  readonly #describe = oncePerFrame(() => this.#drawLabel());
  #rings: readonly Point[][] = [];
  #ripples: Ripple[] = [];
  #animating = false;
  #colours: string[] = [];
  #width = 0;
  #height = 0;
  #scale = 1;

  constructor() {
    new ResizeObserver(this.#redraw).observe(this.#box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.#redraw);
    this.#box.addEventListener("pointermove", (event) => this.#showTip(event));
    this.#box.addEventListener("pointerleave", () => (this.#tip.hidden = true));
  }

  /** Draws the coastlines from now on. */
  setLand(topology: Topology): void {
    this.#rings = landRings(topology);
    this.#redraw();
  }

  /** Draws a quake; one that is new this very moment sends out a ripple. */
  add(quake: Quake, options: { ripple: boolean }): void {
    this.#quakes.delete(quake.id);
    this.#quakes.set(quake.id, quake);
    if (this.#quakes.size > MAX_QUAKES) this.#dropOldest();
    if (this.#width > 0) this.#drawDot(contextOf(this.#dots), quake);
    if (options.ripple && !this.#still.matches) this.#startRipple(quake);
    this.#describe();
  }

  /** Takes all quakes off the map. */
  clear(): void {
    this.#quakes.clear();
    this.#ripples = [];
    this.#redraw();
    this.#describe();
  }

  #dropOldest(): void {
    const oldest = this.#quakes.keys().next();
    if (oldest.done === true) return;
    this.#quakes.delete(oldest.value);
    this.#redraw();
  }

  #drawAll(): void {
    this.#width = this.#box.clientWidth;
    this.#height = this.#box.clientHeight;
    if (this.#width === 0 || this.#height === 0) return;
    this.#scale = Math.min(
      (this.#width / 2 - MARGIN) / WORLD_HALF_WIDTH,
      (this.#height / 2 - MARGIN) / WORLD_HALF_HEIGHT,
    );
    this.#colours = [0, 1, 2, 3, 4].map((index) => styleValue(`--m${index}`));
    this.#drawLand(fitCanvas(this.#land, this.#width, this.#height));
    const dots = fitCanvas(this.#dots, this.#width, this.#height);
    for (const quake of this.#quakes.values()) this.#drawDot(dots, quake);
    fitCanvas(this.#waves, this.#width, this.#height);
  }

  #drawLand(context: CanvasRenderingContext2D): void {
    context.beginPath();
    this.#trace(context, outline());
    context.closePath();
    context.fillStyle = styleValue("--sea");
    context.fill();
    context.beginPath();
    for (const line of gridLines()) this.#trace(context, line);
    context.strokeStyle = styleValue("--grid");
    context.lineWidth = 1;
    context.stroke();
    context.beginPath();
    for (const ring of this.#rings) {
      this.#trace(context, ring);
      context.closePath();
    }
    context.fillStyle = styleValue("--land");
    context.fill("evenodd");
    context.strokeStyle = styleValue("--coast");
    context.lineWidth = 0.75;
    context.stroke();
  }

  #trace(context: CanvasRenderingContext2D, line: readonly Point[]): void {
    line.forEach(([longitude, latitude], index) => {
      const [x, y] = this.#place(longitude, latitude);
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
  }

  #place(longitude: number, latitude: number): readonly [x: number, y: number] {
    const [x, y] = project(longitude, latitude);
    return [this.#width / 2 + x * this.#scale, this.#height / 2 - y * this.#scale];
  }

  #radius(quake: Quake): number {
    const zoom = Math.max(0.5, (this.#scale * 2 * WORLD_HALF_WIDTH) / DRAWN_AT_WIDTH);
    return radiusOf(quake.magnitude) * zoom;
  }

  #drawDot(context: CanvasRenderingContext2D, quake: Quake): void {
    const [x, y] = this.#place(quake.longitude, quake.latitude);
    const colour = this.#colours[magnitudeClass(quake.magnitude)] ?? "";
    context.beginPath();
    context.arc(x, y, this.#radius(quake), 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.strokeStyle = colour;
    context.globalAlpha = 0.42;
    context.fill();
    context.globalAlpha = 0.95;
    context.lineWidth = 1;
    context.stroke();
    context.globalAlpha = 1;
  }

  #startRipple(quake: Quake): void {
    this.#ripples.push({ quake, startedMs: performance.now() });
    if (this.#ripples.length > MAX_RIPPLES) this.#ripples.shift();
    if (this.#animating) return;
    this.#animating = true;
    requestAnimationFrame((nowMs) => this.#drawRipples(nowMs));
  }

  #drawRipples(nowMs: number): void {
    const context = contextOf(this.#waves);
    context.clearRect(0, 0, this.#width, this.#height);
    this.#ripples = this.#ripples.filter(({ quake, startedMs }) => nowMs - startedMs < rippleMs(quake));
    for (const { quake, startedMs } of this.#ripples) {
      const part = Math.max(0, (nowMs - startedMs) / rippleMs(quake));
      const eased = 1 - (1 - part) ** 3;
      const [x, y] = this.#place(quake.longitude, quake.latitude);
      const radius = this.#radius(quake);
      const colour = this.#colours[magnitudeClass(quake.magnitude)] ?? "";
      context.strokeStyle = colour;
      context.fillStyle = colour;
      context.beginPath();
      context.arc(x, y, radius + eased * (12 + radius * 2.2), 0, 2 * Math.PI);
      context.globalAlpha = 0.9 * (1 - part);
      context.lineWidth = 1.5 + (1 - part) * 1.5;
      context.stroke();
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.globalAlpha = 0.85 * (1 - part);
      context.fill();
    }
    context.globalAlpha = 1;
    this.#animating = this.#ripples.length > 0;
    if (this.#animating) requestAnimationFrame((nextMs) => this.#drawRipples(nextMs));
  }

  #drawLabel(): void {
    const strongest = Math.max(...Array.from(this.#quakes.values(), (quake) => quake.magnitude));
    const tail = this.#quakes.size === 0 ? "" : `, the strongest of magnitude ${magnitudeText(strongest)}`;
    this.#box.setAttribute("aria-label", `World map with ${this.#quakes.size} quakes${tail}`);
  }

  #showTip(event: PointerEvent): void {
    const box = this.#box.getBoundingClientRect();
    const pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
    const found = this.#nearest(pointer.x, pointer.y);
    this.#tip.hidden = found === undefined;
    if (found === undefined) return;
    const [x, y] = this.#place(found.longitude, found.latitude);
    this.#tip.replaceChildren(
      make("strong", "", `Magnitude ${magnitudeText(found.magnitude)}`),
      make("span", "", found.place),
      make("span", "", `${clockText(found.time)} · ${Math.round(found.depthKm)} km deep`),
    );
    const left = Math.min(Math.max(8, x - this.#tip.offsetWidth / 2), this.#width - this.#tip.offsetWidth - 8);
    const above = y - this.#radius(found) - this.#tip.offsetHeight - 10;
    this.#tip.style.left = `${this.#box.offsetLeft + left}px`;
    this.#tip.style.top = `${this.#box.offsetTop + (above > 4 ? above : y + this.#radius(found) + 10)}px`;
  }

  /** The quake under a place of the map; of several the one whose edge is nearest. */
  #nearest(x: number, y: number): Quake | undefined {
    let found: Quake | undefined;
    let least = TIP_REACH;
    for (const quake of this.#quakes.values()) {
      const [quakeX, quakeY] = this.#place(quake.longitude, quake.latitude);
      const distance = Math.hypot(quakeX - x, quakeY - y) - this.#radius(quake);
      if (distance < least) [found, least] = [quake, Math.max(distance, -2)];
    }
    return found;
  }
}

function rippleMs(quake: Quake): number {
  return 1100 + 260 * Math.max(0, quake.magnitude);
}

/** The edge of the world, round about. */
function outline(): Point[] {
  const latitudes = Array.from({ length: 91 }, (_, index) => 90 - index * 2);
  return [
    ...latitudes.map((latitude): Point => [180, latitude]),
    ...latitudes.toReversed().map((latitude): Point => [-180, latitude]),
  ];
}

/** Meridians and parallels. */
function* gridLines(): Generator<Point[]> {
  for (let longitude = -180; longitude <= 180; longitude += GRID_STEP) {
    yield Array.from({ length: 61 }, (_, index): Point => [longitude, 90 - index * 3]);
  }
  for (let latitude = -60; latitude <= 60; latitude += GRID_STEP) {
    yield [
      [-180, latitude],
      [180, latitude],
    ];
  }
}
