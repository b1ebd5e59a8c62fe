/** Line icons, drawn on a grid of 24. */
const PATHS: Readonly<Record<string, string>> = {
  brand: 'M14.5 12.5 21 19M18 16l2-2M10 4.5a5 5 0 1 1 0 10 5 5 0 0 1 0-10',
  dashboard: 'M4 13h7V4H4zM13 20h7V4h-7zM4 20h7v-5H4z',
  tasks: 'M4 6l1.5 1.5L8 5M4 12l1.5 1.5L8 11M4 18l1.5 1.5L8 17M12 6h8M12 12h8M12 18h8',
  'guest-checkin':
    'M4 20V5a1 1 0 0 1 1-1h8a1 1 0 0 1 1 1v15M2.500 20H17M10.500 12v.01M17 9l3 3-3 3M20 12h-6',
  properties: 'M3 20h18M5 20V8l7-4 7 4v12M9.500 20v-5h5v5M9 10h.01M15 10h.01',
  finance:
    'M3 7h18v11H3zM12 10.200a2.300 2.300 0 1 0 0 4.600 2.300 2.300 0 0 0 0-4.600M6 10v.01M18 15v.01',
  staff:
    'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7M2.500 20c.5-4 3-6 6.500-6s6 2 6.500 6M16 4.500a3.500 3.500 0 0 1 0 6.300M18 14.500c2 .8 3.200 2.600 3.500 5.500',
  users: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 20c.8-4.200 3.600-6 8-6s7.200 1.800 8 6',
  reports: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6',
  analytics: 'M4 4v16h16M8 16l3.500-4.500 3 2.500L20 7',
}

export function Icon({ name }: { readonly name: string }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name] ?? ''} />
    </svg>
  )
}
