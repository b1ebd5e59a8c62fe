/** Which property the page is about; null on pages that are about all. */
import { createContext, use } from 'react'

export interface Scope {
  readonly propertyId: string | null
  readonly properties: Readonly<Record<string, string>>
  readonly choose: (propertyId: string | null) => void
}

export const ScopeContext = createContext<Scope>({
  propertyId: null,
  properties: {},
  choose: () => {},
})

export function useScope(): Scope {
  return use(ScopeContext)
}
