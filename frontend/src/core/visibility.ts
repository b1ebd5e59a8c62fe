/** Tells of a page that is hidden, comes back, is online again, or is about to go. */

export interface PageListener {
  readonly onVisibility: (isHidden: boolean) => void
  readonly onOnline: () => void
  readonly onPageHide: () => void
}

export type Visibility = EventTarget & { readonly hidden: boolean }

/** Watch a page until `signal` is aborted. */
export function watchPage(
  page: EventTarget,
  visibility: Visibility,
  signal: AbortSignal,
  { onVisibility, onOnline, onPageHide }: PageListener,
): void {
  const tell = () => onVisibility(visibility.hidden)
  visibility.addEventListener('visibilitychange', tell, { signal })
  // A page from the back-forward cache is visible again without having been hidden.
  page.addEventListener('pageshow', tell, { signal })
  page.addEventListener('online', onOnline, { signal })
  page.addEventListener('pagehide', onPageHide, { signal })
}
