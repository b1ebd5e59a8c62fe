/** A uPlot chart in the colours of the theme. */
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export interface Line {
  readonly label: string
  /** The name of a custom property, such as `--accent`. */
  readonly colour: string
  readonly kind: 'line' | 'points' | 'bars'
}

interface ChartProps {
  readonly label: string
  readonly lines: readonly Line[]
  /** Seconds since 1970, then one list for each line. */
  readonly data: uPlot.AlignedData
  readonly height: number
  readonly unit: string
  /** A level that hardly moves is shown around its values, not from zero. */
  readonly isLevel?: boolean
}

export function Chart({ label, lines, data, height, unit, isLevel = false }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(undefined)
  const latest = useRef(data)
  latest.current = data
  const shape = JSON.stringify([lines, height, unit, isLevel])
  useEffect(() => {
    const element = place.current
    if (!element) return
    const draw = () => {
      chart.current?.destroy()
      const options = optionsOf(element, lines, height, unit, isLevel)
      chart.current = new uPlot(options, latest.current, element)
    }
    draw()
    return watchLook(element, draw, () => {
      chart.current?.setSize({ width: element.clientWidth, height })
    })
  }, [shape])
  useEffect(() => chart.current?.setData(data), [data])
  return <div ref={place} className="chart" role="img" aria-label={label} style={{ height }} />
}

const fromZero = (low: number, high: number): [number, number] => [
  Math.min(0, low),
  Math.max(high * 1.15, 10),
]
const around = (low: number, high: number): [number, number] => {
  const room = Math.max(2, (high - low) * 0.2)
  return [Math.max(0, low - room), high + room]
}

/** Whole seconds at least, up to three hours. */
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800]

function clockTimes(_: uPlot, ticks: number[], _axis: number, _space: number, stepS: number) {
  const timeStyle = stepS < 60 ? 'medium' : 'short'
  const format = new Intl.DateTimeFormat('en-GB', { timeStyle })
  return ticks.map((tick) => format.format(tick * 1000))
}

/** Canvas knows no custom properties: draw again when the theme changes. */
function watchLook(element: HTMLElement, redraw: () => void, resize: () => void): () => void {
  const sizes = new ResizeObserver(resize)
  sizes.observe(element)
  const themes = new MutationObserver(redraw)
  themes.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  const system = matchMedia('(prefers-color-scheme: dark)')
  system.addEventListener('change', redraw)
  return () => {
    sizes.disconnect()
    themes.disconnect()
    system.removeEventListener('change', redraw)
  }
}

function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  height: number,
  unit: string,
  isLevel: boolean,
): uPlot.Options {
  const probe = document.createElement('i')
  element.append(probe)
  const colour = (name: string) => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const axis = { stroke: colour('--muted'), ticks: { show: false }, font: '11px system-ui' }
  const grid = { stroke: colour('--line'), width: 1 }
  const options: uPlot.Options = {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false },
    scales: {
      x: { range: (_, first, last) => (last > first ? [first, last] : [first - 30, first + 30]) },
      y: { range: (_, low, high) => (isLevel ? around(low, high) : fromZero(low, high)) },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 70, incrs: STEPS_S, values: clockTimes },
      { ...axis, grid, size: 56, values: (_, ticks) => ticks.map((tick) => `${tick}${unit}`) },
    ],
    series: [{}, ...lines.map((line) => seriesOf(line, colour(line.colour)))],
  }
  probe.remove()
  return options
}

function seriesOf({ label, kind }: Line, stroke: string): uPlot.Series {
  const common = { label, stroke, spanGaps: true }
  if (kind === 'points') {
    return { ...common, paths: () => null, points: { show: true, size: 4, fill: stroke } }
  }
  const paths = kind === 'bars' ? uPlot.paths.bars?.({ size: [0.7, 24], radius: 0.2 }) : undefined
  const fill = kind === 'bars' ? stroke : undefined
  return {
    ...common,
    width: 2,
    points: { show: false },
    ...(paths && { paths }),
    ...(fill && { fill }),
  }
}
