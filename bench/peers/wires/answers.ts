/** Servers without batches answer each record: so many answers make one acknowledged publish. */
export class RecordAnswers {
  #perPublish = 1;
  #waiting = 0;
  #answered = 0;

  /** A publish of so many records goes out. */
  expect(records: number): void {
    if (records !== this.#perPublish) {
      if (this.#waiting > 0) throw new Error("Batches of several sizes are under way on one connection.");
      this.#perPublish = records;
    }
    this.#waiting += records;
  }

  /** One record is answered. @returns publishes that this completes, 0 or 1 */
  take(): number {
    this.#waiting--;
    if (++this.#answered < this.#perPublish) return 0;
    this.#answered = 0;
    return 1;
  }
}
