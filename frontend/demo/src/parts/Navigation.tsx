import { useEffect, useRef } from 'react'
import { type Theme, useTheme } from '../live/theme.js'
import { ROUTES, type Route } from '../routes.js'
import { Icon } from './Icon.js'

export function Navigation({ current }: { readonly current: Route }) {
  return (
    <div className="sidebar">
      <a className="brand" href="#/dashboard">
        <Icon name="brand" />
        <span>Keyring</span>
      </a>
      <nav aria-label="Pages">
        {ROUTES.map((route) => (
          <NavigationLink key={route.path} route={route} isCurrent={route === current} />
        ))}
      </nav>
      <ThemeSwitch />
    </div>
  )
}

interface LinkProps {
  readonly route: Route
  readonly isCurrent: boolean
}

function NavigationLink({ route, isCurrent }: LinkProps) {
  const link = useRef<HTMLAnchorElement>(null)
  useEffect(() => {
    // On a phone the links are a strip that is longer than the screen.
    if (isCurrent) link.current?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [isCurrent])
  return (
    <a ref={link} href={`#/${route.path}`} aria-current={isCurrent ? 'page' : undefined}>
      <Icon name={route.path} />
      <span>{route.title}</span>
    </a>
  )
}

const THEMES: readonly Theme[] = ['auto', 'light', 'dark']

function ThemeSwitch() {
  const [theme, setTheme] = useTheme()
  return (
    <fieldset className="themes">
      <legend>Theme</legend>
      {THEMES.map((each) => (
        <label key={each}>
          <input
            type="radio"
            name="theme"
            checked={theme === each}
            onChange={() => setTheme(each)}
          />
          <span>{each}</span>
        </label>
      ))}
    </fieldset>
  )
}
