/** Keys of events that were handed over lately, so that a repeat is recognised. */

const MAX_COUNT = 4096

/** The newest keys, never more than `maxCount`; the oldest gives way. */
export class RecentIds {
  readonly #keys = new Set<string>()

  constructor(private readonly maxCount = MAX_COUNT) {}

  isRepeat(key: string): boolean {
    return this.#keys.has(key)
  }

  remember(key: string): void {
    this.#keys.add(key)
    if (this.#keys.size <= this.maxCount) return
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest)
      return
    }
  }
}
