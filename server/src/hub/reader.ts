/**
 * All subscriptions of one connection or event stream, and what is due to it. Small while it is idle: maps are made when they are needed.
 */
import { RingcastError, shown } from "@ringcast/protocol";
import type { Cursor } from "./cursor.js";
import type { Interests } from "./interests.js";
import type {
  AckInput,
  DeliveryDialect,
  Outlet,
  Reader,
  SubscribeInput,
  SubscribeOutcome,
  SubscriptionReport,
} from "./port.js";
import { reportOf } from "./report.js";
import { SmallMap } from "./small-map.js";
import type { Subscription } from "./subscription.js";

/** Numbers from here on belong to one connection; below, a number means the same topic or pattern on all connections. */
const FIRST_PRIVATE_NUMBER = 1_000_000_000;

/** So many ended subscriptions are remembered, for acknowledgements that are still under way. */
const REMEMBERED_ENDED = 64;

const NO_SUBSCRIPTIONS = new SmallMap<number, Subscription>();

export class HubReader implements Reader {
  readonly outlet: Outlet;
  readonly dialect: DeliveryDialect;
  readonly #interests: Interests;
  #subscriptions: SmallMap<number, Subscription> | undefined = undefined;
  /** Shared numbers that this connection has used and given back. */
  #spentNumbers: Set<number> | undefined = undefined;
  #nextPrivateNumber = FIRST_PRIVATE_NUMBER;
  /** Numbers of subscriptions that ended by themselves, the latest of them. */
  #ended: number[] | undefined = undefined;
  /** Subscriptions that have come to their end: that is still to be told. */
  #over: Subscription[] | undefined = undefined;
  #firstDue: Cursor | undefined = undefined;
  #lastDue: Cursor | undefined = undefined;

  // The next three are the flush's.
  /** Whether it stands in one of the flush's lines. */
  isLinedUp = false;
  nextInLine: HubReader | undefined = undefined;
  /** The socket holds bytes: nothing is sent before it has taken them. */
  isBlocked = false;
  isClosed = false;

  constructor(outlet: Outlet, dialect: DeliveryDialect, interests: Interests) {
    this.outlet = outlet;
    this.dialect = dialect;
    this.#interests = interests;
  }

  // ---- what sessions and event streams call ----

  get subscriptionCount(): number {
    return this.#subscriptions?.size ?? 0;
  }

  subscribe(input: SubscribeInput): SubscribeOutcome {
    return this.#interests.subscribe(this, input);
  }

  unsubscribe(number: number): void {
    this.#remove(this.#find(number));
  }

  ack(input: AckInput): void {
    if (this.#ended?.includes(input.subscription) === true) return;
    this.#interests.acknowledge(this.#find(input.subscription), input);
  }

  wake(): void {
    this.#interests.flush.visitSoon(this);
  }

  blocked(): void {
    this.isBlocked = true;
  }

  drained(): void {
    this.#interests.flush.resume(this);
  }

  report(): readonly SubscriptionReport[] {
    const nowMs = this.#interests.nowMs();
    const sorted = [...this.subscriptions()].sort((a, b) => a.number - b.number);
    return sorted.map((subscription) => reportOf(subscription, nowMs));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#firstDue = this.#lastDue = undefined;
    for (const subscription of this.subscriptions()) this.#interests.end(subscription);
    this.#subscriptions = this.#over = undefined;
    this.#interests.forget(this);
  }

  // ---- what interests call ----

  subscriptions(): Iterable<Subscription> {
    return (this.#subscriptions ?? NO_SUBSCRIPTIONS).values();
  }

  add(subscription: Subscription): void {
    (this.#subscriptions ??= new SmallMap()).set(subscription.number, subscription);
  }

  /**
   * The number of a new subscription: the shared one where this connection never used it, so that frames can be shared.
   *
   * @param memory how many spent numbers are remembered: a connection that has spent more gets private numbers for ever
   */
  numberFor(shared: number, memory: number): number {
    const isFresh = this.#subscriptions?.has(shared) !== true && this.#spentNumbers?.has(shared) !== true;
    if (isFresh && (this.#spentNumbers?.size ?? 0) < memory) return shared;
    return this.#nextPrivateNumber++;
  }

  // ---- what the flush calls ----

  /** A subscription has come to its end: told behind everything that is due before it. */
  pushOver(subscription: Subscription): void {
    const over = (this.#over ??= []);
    if (!over.includes(subscription)) over.push(subscription);
  }

  /** Subscriptions whose end is to be told now. */
  takeOver(): readonly Subscription[] | undefined {
    const over = this.#over;
    this.#over = undefined;
    return over;
  }

  /** The client has been told that a subscription is over. */
  finish(subscription: Subscription): void {
    if (this.#subscriptions?.get(subscription.number) !== subscription) return;
    const ended = (this.#ended ??= []);
    if (ended.push(subscription.number) > REMEMBERED_ENDED) ended.shift();
    this.#remove(subscription);
    this.outlet.ended?.();
  }

  get hasDue(): boolean {
    return this.#firstDue !== undefined;
  }

  /** Puts a cursor at the end of what is due. */
  pushDue(cursor: Cursor): void {
    cursor.state = "due";
    cursor.next = undefined;
    if (this.#lastDue === undefined) this.#firstDue = cursor;
    else this.#lastDue.next = cursor;
    this.#lastDue = cursor;
  }

  /** Puts a cursor before all that is due. */
  unshiftDue(cursor: Cursor): void {
    cursor.state = "due";
    cursor.next = this.#firstDue;
    this.#firstDue = cursor;
    this.#lastDue ??= cursor;
  }

  /** Takes the first due cursor out of the line. */
  shiftDue(): Cursor | undefined {
    const cursor = this.#firstDue;
    if (cursor === undefined) return undefined;
    this.#firstDue = cursor.next;
    if (this.#firstDue === undefined) this.#lastDue = undefined;
    cursor.next = undefined;
    cursor.state = "idle";
    return cursor;
  }

  #remove(subscription: Subscription): void {
    const { number } = subscription;
    this.#subscriptions?.delete(number);
    if (number < FIRST_PRIVATE_NUMBER) (this.#spentNumbers ??= new Set()).add(number);
    this.#over = this.#over?.filter((other) => other !== subscription);
    this.#dropDue(subscription);
    this.#interests.end(subscription);
  }

  #dropDue(subscription: Subscription): void {
    let cursor = this.#firstDue;
    this.#firstDue = this.#lastDue = undefined;
    while (cursor !== undefined) {
      const { next } = cursor;
      if (cursor.reading.subscription !== subscription) this.pushDue(cursor);
      cursor = next;
    }
  }

  #find(number: number): Subscription {
    const subscription = this.#subscriptions?.get(number);
    if (subscription !== undefined) return subscription;
    throw new RingcastError(
      "unknown_subscription",
      `This connection has no subscription ${shown(number)}: use the number of a \`subscribed\` reply.`,
    );
  }
}
