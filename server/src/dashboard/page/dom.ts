/** Small helpers over the page's own elements. */

/**
 * The element with that id.
 * @throws Error when the page has none of that kind: page and script don't belong together
 */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} with the id "${id}".`);
  return found;
}

/** Makes an element with a class and a text. Text is never read as HTML. */
export function make(tag: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.textContent = text;
  return made;
}

/** Sets a text only where it changes, so that nothing is laid out again for nothing. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * A canvas's drawing context, in CSS pixels, with the canvas as sharp as the screen.
 * @throws Error when the browser has no 2D canvas
 */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser can't draw on a canvas.");
  return context;
}

/** Gives a canvas as many dots as its box needs and empties it. */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const context = contextOf(canvas);
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** Value of a custom property of the page's style, e.g. `--land`: the colours of the theme that is on. */
export function styleValue(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Runs at most once a frame, however often it is asked for. */
export function oncePerFrame(draw: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/** Tells a message in the corner of the page for a few seconds. Good news takes the bad away; no text is shown twice. */
export function notify(text: string, kind: "good" | "warn" | "bad", shownMs = 6000): void {
  const notices = byId("notices", HTMLElement);
  if (kind === "good") notices.replaceChildren();
  for (const shown of notices.children) if (shown.textContent === text) return;
  const notice = make("div", "notice", text);
  notice.dataset["kind"] = kind;
  notices.append(notice);
  setTimeout(() => notice.remove(), shownMs);
}
