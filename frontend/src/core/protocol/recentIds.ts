/** Keys of events that were handed over lately, so that a repeat is recognised. */

const MAX_COUNT = 4096

/** The newest keys, never more than `maxCount`; the oldest gives way. */
export class RecentIds {
  readonly #keys = new Set<string>()

  constructor(private readonly maxCount = MAX_COUNT) {}

  /** Tell whether `key` is not known, and know it from now on. */
  isNew(key: string): boolean {
    if (this.#keys.has(key)) return false
    this.#keys.add(key)
    const [oldest = key] = this.#keys
    if (this.#keys.size > this.maxCount) this.#keys.delete(oldest)
    return true
  }
}
