/** What a product asks of its own backend; here `fanwire dev` stands in for it. */

export interface Workspace {
  readonly url: string
  readonly org: string
  /** Names by id. */
  readonly properties: Readonly<Record<string, string>>
}

/** An entity's newest event: the same shape as what arrives live. */
export interface StateEvent<Data> {
  readonly ts: number
  readonly entityId: string
  readonly type: string | null
  readonly propertyId: string | null
  readonly data: Data
}

async function ask<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(path, signal ? { signal } : {})
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}

export function fetchWorkspace(): Promise<Workspace> {
  return ask('dev/token')
}

export async function fetchToken(): Promise<string> {
  const { token } = await ask<{ token: string }>('dev/token')
  return token
}

export async function fetchState<Data>(
  service: string,
  propertyId: string | null,
  signal: AbortSignal,
): Promise<readonly StateEvent<Data>[]> {
  const query = propertyId === null ? '' : `?propertyId=${encodeURIComponent(propertyId)}`
  const { events } = await ask<{ events: StateEvent<Data>[] }>(
    `dev/state/${service}${query}`,
    signal,
  )
  return events
}
