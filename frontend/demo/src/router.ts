/** A router of one hook: the page is what stands after `#/`. */
import { useSyncExternalStore } from 'react'

function watch(callback: () => void): () => void {
  window.addEventListener('hashchange', callback)
  return () => window.removeEventListener('hashchange', callback)
}

export function useRoute(): string {
  return useSyncExternalStore(watch, () => location.hash.replace(/^#\/?/, ''))
}
