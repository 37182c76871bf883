// What was measured: one sample for each five seconds, an hour of them.

export const STEP = 5; // seconds
const KEPT = 720;

const stepOf = (sample) => Math.floor(Date.parse(sample.timestamp) / 1000 / STEP);

export class History {
  constructor(kept = KEPT) {
    this.kept = kept;
    this.samples = new Map(); // by step
    this.newest = -Infinity;
    this.complete = -Infinity; // the step up to which nothing is missing that could be had
  }

  /** Takes the newest sample. */
  put(sample) {
    this.#take(sample);
    if (this.newest - this.complete <= 2) this.complete = this.newest;
    this.#forget();
  }

  /** Takes all that there was, in any order. */
  fill(samples) {
    for (const sample of samples) this.#take(sample);
    this.complete = this.newest;
    this.#forget();
  }

  /** Of one step the newest sample stands. */
  #take(sample) {
    const step = stepOf(sample);
    if (this.samples.get(step)?.timestamp > sample.timestamp) return;
    this.samples.set(step, sample);
    this.newest = Math.max(this.newest, step);
  }

  #forget() {
    for (const step of this.samples.keys()) if (step <= this.newest - this.kept) this.samples.delete(step);
  }

  /** Minutes that have to be asked for, so that nothing of the time up to now is missing; 0 where nothing is. */
  lacking(now) {
    const seconds = now - this.complete * STEP;
    return seconds < 4 * STEP ? 0 : Math.min((this.kept * STEP) / 60, Math.ceil(seconds / 60) + 1);
  }

  get isEmpty() {
    return this.samples.size === 0;
  }

  /** Times of the last minutes in Unix seconds, and for each reader the values; null where nothing was measured. */
  columns(minutes, readers) {
    if (this.isEmpty) return [[], ...readers.map(() => [])];
    const first = Math.max(this.newest - (minutes * 60) / STEP + 1, Math.min(...this.samples.keys()));
    const columns = [[], ...readers.map(() => [])];
    for (let step = first; step <= this.newest; step += 1) {
      const sample = this.samples.get(step);
      columns[0].push(step * STEP);
      readers.forEach((read, place) => columns[place + 1].push((sample && read(sample)) ?? null));
    }
    return columns;
  }
}
