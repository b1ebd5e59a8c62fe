/** The frame around every page: navigation, title, status, and what slides over them. */
import { useState } from 'react'
import type { Route } from '../routes.js'
import { HealthDrawer } from './HealthDrawer.js'
import { LostBanner } from './LostBanner.js'
import { Navigation } from './Navigation.js'
import { PropertyPicker } from './PropertyPicker.js'
import { StatusPill } from './StatusPill.js'

export function Shell({ route }: { readonly route: Route }) {
  const [isHealthOpen, setHealthOpen] = useState(false)
  const { Page } = route
  return (
    <div className="shell">
      <button
        type="button"
        className="skip"
        onClick={() => document.getElementById('main')?.focus()}
      >
        Skip to content
      </button>
      <Navigation current={route} />
      <div className="column">
        <LostBanner />
        <header className="topbar">
          <h1>{route.title}</h1>
          {route.isScoped && <PropertyPicker />}
          <StatusPill isOpen={isHealthOpen} onClick={() => setHealthOpen(!isHealthOpen)} />
        </header>
        <main id="main" tabIndex={-1} data-page={route.path}>
          <Page key={route.path} />
        </main>
      </div>
      {isHealthOpen && <HealthDrawer onClose={() => setHealthOpen(false)} />}
    </div>
  )
}
