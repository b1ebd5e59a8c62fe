/** Keys of events that were handed over lately, so that a repeat is recognised. */

/** Four times the 1 000 events of a long resume; 350 KB of UUIDs. The Python SDK's value. */
const MAX_COUNT = 4096

/** The newest keys, never more than `maxCount`: a new one pushes the oldest out. */
export class RecentIds {
  readonly #keys = new Set<string>()

  constructor(private readonly maxCount = MAX_COUNT) {}

  /** Return whether `key` is not known yet, and remember it. */
  isNew(key: string): boolean {
    if (this.#keys.has(key)) return false
    this.#keys.add(key)
    const [oldest = key] = this.#keys
    if (this.#keys.size > this.maxCount) this.#keys.delete(oldest)
    return true
  }
}
