/** Hands updates to the page, and keeps count of it for each service. */
import { eventsName, gapName, liveName } from './events.js'
import { HealthMeter } from './health.js'
import type { Update } from './session.js'
import type { RealtimeEvent } from './wire.js'

export class Deliveries {
  readonly #meters = new Map<string, HealthMeter>()

  constructor(private readonly target: () => EventTarget) {}

  get meters(): ReadonlyMap<string, HealthMeter> {
    return this.#meters
  }

  /** Count a reconnect for the services that it interrupted. */
  countReconnect(services: Iterable<string>): void {
    for (const service of services) this.#meter(service).reconnects++
  }

  /** Deliver `updates`. Events of another property are left out: they crossed a filter change. */
  deliver(updates: readonly Update[], propertyId: string | null): void {
    for (const update of updates) {
      if (update.type === 'gap') {
        this.#meter(update.gap.service).gaps++
        this.#dispatch(gapName(update.gap.service), update.gap)
      } else if (update.type === 'live') {
        this.#dispatch(liveName(update.service), { service: update.service })
      } else if (update.type === 'events') {
        const { service, suppressedCount, isReplay } = update
        const events = update.events.filter((event) => passes(event, propertyId))
        const meter = this.#meter(service)
        meter.suppressed += suppressedCount
        meter.deliver(events, Date.now(), isReplay)
        if (events.length) this.#dispatch(eventsName(service), { service, events })
      }
    }
  }

  #meter(service: string): HealthMeter {
    const known = this.#meters.get(service)
    if (known) return known
    const meter = new HealthMeter()
    this.#meters.set(service, meter)
    return meter
  }

  #dispatch(name: string, detail: unknown): void {
    this.target().dispatchEvent(new CustomEvent(name, { detail }))
  }
}

function passes(event: RealtimeEvent, propertyId: string | null): boolean {
  return propertyId === null || event.propertyId === undefined || event.propertyId === propertyId
}
