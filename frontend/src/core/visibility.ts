/** Tells of a page that is hidden, comes back, is online again, or is about to go. */

export interface PageListener {
  readonly onVisibility: (isHidden: boolean) => void
  readonly onOnline: () => void
  readonly onPageHide: () => void
}

/** Watch a page until the function that is returned is called. */
export function watchPage(
  page: EventTarget,
  document: EventTarget & { readonly hidden: boolean },
  { onVisibility, onOnline, onPageHide }: PageListener,
): () => void {
  const rows: [EventTarget, string, () => void][] = [
    [document, 'visibilitychange', () => onVisibility(document.hidden)],
    // A page from the back-forward cache is visible again without having been hidden.
    [page, 'pageshow', () => onVisibility(document.hidden)],
    [page, 'online', onOnline],
    [page, 'pagehide', onPageHide],
  ]
  for (const [target, name, act] of rows) target.addEventListener(name, act)
  return () => {
    for (const [target, name, act] of rows) target.removeEventListener(name, act)
  }
}
