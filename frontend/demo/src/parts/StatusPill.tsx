import type { RealtimeStatus } from 'fanwire'
import { useRealtimeStatus } from 'fanwire/react'

interface Look {
  readonly tone: 'good' | 'busy' | 'bad' | 'idle'
  readonly text: string
}

/** Say in a word what the connection and this page's services are doing. */
export function lookOf({ state, terminal, services }: RealtimeStatus): Look {
  const states = Object.values(services)
  if (state === 'connected') {
    if (states.includes('quarantined')) return { tone: 'busy', text: 'Slowed down' }
    if (states.includes('off')) return { tone: 'idle', text: 'Partly paused' }
    if (states.includes('recovering')) return { tone: 'busy', text: 'Catching up' }
    return { tone: 'good', text: 'Live' }
  }
  if (state === 'off') return { tone: 'idle', text: 'Live updates off' }
  if (terminal) return { tone: 'bad', text: 'Signed out' }
  if (state === 'reconnecting') return { tone: 'bad', text: 'Reconnecting' }
  return { tone: 'busy', text: 'Connecting' }
}

interface PillProps {
  readonly isOpen: boolean
  readonly onClick: () => void
}

export function StatusPill({ isOpen, onClick }: PillProps) {
  const { tone, text } = lookOf(useRealtimeStatus())
  return (
    <button
      type="button"
      className={`pill ${tone}`}
      aria-expanded={isOpen}
      aria-controls="health"
      title="Connection health"
      onClick={onClick}
    >
      <span className="dot" aria-hidden="true" />
      <span role="status">{text}</span>
    </button>
  )
}
