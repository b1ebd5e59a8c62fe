/** Hands updates to the page, and keeps count of it for each service. */
import { streamEventName } from './events.js'
import { HealthMeter } from './health.js'
import type { Update } from './session.js'

export class Deliveries {
  readonly meters = new Map<string, HealthMeter>()

  constructor(private readonly target: () => EventTarget) {}

  /** Count a reconnect for the services that it interrupted. */
  countReconnect(services: Iterable<string>): void {
    for (const service of services) this.#meter(service).reconnects++
  }

  /** Deliver `updates`. Events of another property are left out: they crossed a filter change. */
  deliver(updates: readonly Update[], filter: string | null, connectedAtMs: number): void {
    for (const update of updates) {
      if (update.type === 'events') {
        const events = update.events.filter(
          ({ propertyId }) => filter === null || (propertyId ?? filter) === filter,
        )
        const meter = this.#meter(update.service)
        meter.suppressed += update.suppressedCount
        meter.count(events, Date.now(), connectedAtMs)
        if (events.length) this.#dispatch({ ...update, events })
      } else if (update.type !== 'resume') {
        if (update.type === 'gap') this.#meter(update.service).gaps++
        this.#dispatch(update)
      }
    }
  }

  #meter(service: string): HealthMeter {
    const meter = this.meters.get(service) ?? new HealthMeter()
    this.meters.set(service, meter)
    return meter
  }

  #dispatch(detail: Exclude<Update, { type: 'resume' }>): void {
    const name = streamEventName(detail.service, detail.type)
    this.target().dispatchEvent(new CustomEvent(name, { detail }))
  }
}
