/** Where a subscription is in one partition: what has come from the hub, and what the user has got. */
import type { Position } from "@ringcast/protocol";

export interface Cursor {
  readonly topic: string;
  readonly partition: number;
  /** What the hub sends next. A subscription is resumed here. */
  expected: Position;
  /** What the user gets next. */
  handed: Position;
  /** Nothing from here on is wanted: the head as the hub first told it, of a subscription that ends there. */
  end?: number | undefined;
}
