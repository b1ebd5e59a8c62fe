const money = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' })
const roundMoney = new Intl.NumberFormat('en-IE', {
  style: 'currency',
  currency: 'EUR',
  maximumFractionDigits: 0,
})
const whole = new Intl.NumberFormat('en-IE')

export const formatMoney = (cents = 0) => money.format(cents / 100)
export const formatRoundMoney = (cents = 0) => roundMoney.format(cents / 100)
export const formatCount = (count = 0) => whole.format(count)
export const formatPercent = (part = 0, all = 0) => `${all ? Math.round((100 * part) / all) : 0} %`

export function formatAgo(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 5) return 'now'
  if (s < 60) return `${s} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} min ago`
  return `${Math.floor(s / 3600)} h ago`
}

export const initialsOf = (name = '?') =>
  name
    .split(/\s+/)
    .map((part) => part[0] ?? '')
    .slice(0, 2)
    .join('')

/** `checked_in` → `Checked in`. */
export function wordsOf(name = ''): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
