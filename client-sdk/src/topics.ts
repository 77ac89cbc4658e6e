/**
 * How the names of topics and patterns type their data. Types only: nothing of this file remains in the program.
 *
 * `Topics` maps names and patterns to the type of their data: `interface Topics { quakes: Quake; "chat.*": ChatLine }`.
 */

/** What `connect` assumes without a type argument: any topic, its data unknown. */
export type AnyTopics = Record<string, unknown>;

/**
 * Type of the data on a topic, or on all topics that a pattern matches.
 *
 * - A concrete name that is a key of `Topics` has that key's type, otherwise the union of the patterns that match it.
 * - A pattern has the union of all keys that it could meet: `"chat.*"` brings `"chat.lobby"` too.
 * - `never`: `Topics` knows nothing of that name.
 */
export type DataOf<Topics, Name extends string> = Name extends string
  ? IsPattern<Name> extends true
    ? Covered<Topics, Name>
    : Name extends keyof Topics
      ? Topics[Name]
      : Covered<Topics, Name>
  : never;

/** Names of topics, for completion in editors: the concrete keys, and `*` in a pattern as any text. */
export type TopicName<Topics> = string extends keyof Topics ? string : Filled<keyof Topics & string>;

/** What can be subscribed to: names of topics, and patterns. */
export type TopicOrPattern<Topics> = TopicName<Topics> | `${string}*${string}` | `${string}>`;

/** `unknown` where `Topics` knows the name, otherwise `never`; makes a misspelt name an error at its argument. */
export type Known<Topics, Name extends string> = [DataOf<Topics, Name>] extends [never] ? never : unknown;

type Covered<Topics, Name extends string> = string extends keyof Topics
  ? Topics[string & keyof Topics]
  : { [Key in keyof Topics & string]: Meets<Key, Name> extends true ? Topics[Key] : never }[keyof Topics & string];

type IsPattern<Name extends string> = Name extends
  ">" | `${string}.>` | "*" | `*.${string}` | `${string}.*` | `${string}.*.${string}`
  ? true
  : false;

/** Whether there is a name that both match. */
type Meets<A extends string, B extends string> = A extends ">"
  ? true
  : B extends ">"
    ? true
    : A extends `${infer FirstA}.${infer RestA}`
      ? B extends `${infer FirstB}.${infer RestB}`
        ? LevelsMeet<FirstA, FirstB> extends true
          ? Meets<RestA, RestB>
          : false
        : false
      : B extends `${string}.${string}`
        ? false
        : LevelsMeet<A, B>;

type LevelsMeet<A extends string, B extends string> = A extends "*"
  ? true
  : B extends "*"
    ? true
    : A extends B
      ? true
      : B extends A
        ? true
        : false;

type Filled<Name extends string> = Name extends ">" | "*"
  ? string
  : Name extends `${infer First}.${infer Rest}`
    ? `${First extends "*" ? string : First}.${Filled<Rest>}`
    : Name;
