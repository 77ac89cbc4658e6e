/** The whole terminal for as long as a live view runs; given back as it was, however the process ends. */

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export interface Screen extends Disposable {
  readonly columns: number;
  readonly rows: number;
  /** Shows these lines instead of what stood there. */
  show(lines: readonly string[]): void;
}

export interface ScreenEvents {
  /** A key, as the terminal sends it; Ctrl+C included. */
  readonly onKey: (key: string) => void;
  readonly onResize: () => void;
}

/** Takes the terminal over. Standard input and output must be one. */
export function openScreen({ onKey, onResize }: ScreenEvents): Screen {
  const { stdin, stdout } = process;
  let isOpen = true;
  const leave = (): void => {
    if (!isOpen) return;
    isOpen = false;
    process.off("exit", leave);
    stdout.off("resize", onResize);
    stdin.off("data", take);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
  };
  const take = (data: Buffer): void => {
    for (const key of keysOf(data.toString())) onKey(key);
  };
  stdout.write(ENTER);
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on("data", take);
  stdout.on("resize", onResize);
  // Also where an error that nobody caught ends the process.
  process.on("exit", leave);
  return {
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    show: (lines) => {
      const text = lines.map((line) => line + CLEAR_LINE).join("\r\n");
      if (isOpen) stdout.write(HOME + text + CLEAR_BELOW);
    },
    [Symbol.dispose]: leave,
  };
}

/** What was typed at once, key by key: a sequence of the terminal is one. */
function keysOf(text: string): string[] {
  return text.match(/\u001b\[[\d;]*[A-Za-z~]|\u001b.?|[^]/gu) ?? [];
}
