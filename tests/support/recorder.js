// Runs before the page's own scripts: keeps what reached the page, and lets a test hide it.
;(() => {
  const recorded = { events: {}, gaps: [], shownAtMs: {}, attached: [] }
  const services = ['tasks', 'finance', 'analytics', 'dashboard', 'guest-checkin']
  const listen = (name, act) => {
    recorded.attached.push(name)
    window.addEventListener(name, act)
  }
  for (const service of services) {
    listen(`${service}-stream-events`, ({ detail }) => {
      recorded.events[service] ??= []
      recorded.events[service].push(...detail.events.map(({ entityId }) => entityId))
    })
    listen(`${service}-stream-gap`, () => recorded.gaps.push(service))
  }

  const note = () => {
    for (const { dataset } of document.querySelectorAll('[data-entity]')) {
      recorded.shownAtMs[dataset.entity] ??= Date.now()
    }
  }
  new MutationObserver(note).observe(document, { subtree: true, childList: true })

  let isHidden = false
  Object.defineProperty(document, 'hidden', { get: () => isHidden })
  Object.defineProperty(document, 'visibilityState', {
    get: () => (isHidden ? 'hidden' : 'visible'),
  })
  recorded.setHidden = (hidden) => {
    isHidden = hidden
    document.dispatchEvent(new Event('visibilitychange'))
  }
  window.__recorded = recorded
})()
