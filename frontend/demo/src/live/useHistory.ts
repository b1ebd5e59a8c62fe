import { useEffect, useState } from 'react'
import type { AlignedData } from 'uplot'

const KEPT = 240
/** Also while nothing changes, so that a quiet page's chart still moves. */
const EVERY_MS = 1_000

interface History {
  readonly subject: string
  readonly points: readonly (readonly [number, number])[]
}

/** Collect a figure from now on, as a chart wants it; a new subject starts from nothing. */
export function useHistory(figure: number, subject: string, isLoaded: boolean): AlignedData {
  const [history, setHistory] = useState<History>({ subject, points: [] })
  useEffect(() => {
    if (!isLoaded) return
    const note = () =>
      setHistory((known) => {
        const past = known.subject === subject ? known.points : []
        return { subject, points: [...past, [Date.now() / 1000, figure] as const].slice(-KEPT) }
      })
    note()
    const timer = setInterval(note, EVERY_MS)
    return () => clearInterval(timer)
  }, [figure, subject, isLoaded])
  const { points } = history
  return [points.map(([at]) => at), points.map(([, value]) => value)]
}
