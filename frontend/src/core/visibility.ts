/** Tells of a page that is hidden, comes back, or is online again. */

export interface PageListener {
  readonly onVisibility: (isHidden: boolean) => void
  readonly onOnline: () => void
}

export type Visibility = EventTarget & { readonly hidden: boolean }

/** Watch a page until `signal` is aborted. */
export function watchPage(
  page: EventTarget,
  visibility: Visibility,
  signal: AbortSignal,
  { onVisibility, onOnline }: PageListener,
): void {
  const tell = () => onVisibility(visibility.hidden)
  visibility.addEventListener('visibilitychange', tell, { signal })
  // A page from the back-forward cache is visible again without having been hidden.
  page.addEventListener('pageshow', tell, { signal })
  page.addEventListener('online', onOnline, { signal })
}
