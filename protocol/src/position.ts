/** Identity of one stretch of a partition's history and the offset in it that a consumer wants NEXT. */
export interface Position {
  /** 1 to 32 characters of `A-Z a-z 0-9 _ -` */
  readonly epoch: string;
  /** Integer, 0 to 2^53 - 1 */
  readonly offset: number;
}
