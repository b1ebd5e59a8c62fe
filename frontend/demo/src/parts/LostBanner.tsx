import { useConnectionLost, useRealtimeStatus } from 'fanwire/react'
import { useState } from 'react'

/** Shown only after 5 s without a connection: shorter losses are made up for unseen. */
export function LostBanner() {
  const isLost = useConnectionLost()
  return isLost && <Lost />
}

function Lost() {
  const { terminal, reason } = useRealtimeStatus()
  const [since] = useState(() => new Date().toLocaleTimeString([], { timeStyle: 'short' }))
  return (
    <div className="banner" role="alert">
      <strong>{terminal ? 'You are no longer connected.' : 'Connection lost.'}</strong>{' '}
      {terminal
        ? `${reason ?? 'The server ended it'}. Reload to sign in again.`
        : `What you see is as of ${since}; it will catch up by itself.`}
      {terminal && (
        <button type="button" onClick={() => location.reload()}>
          Reload
        </button>
      )}
    </div>
  )
}
