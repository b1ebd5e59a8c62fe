/** The pages, and what each receives: the one place that knows both. */
import type { ComponentType } from 'react'
import { Analytics } from './pages/Analytics.js'
import { CheckIn } from './pages/CheckIn.js'
import { Dashboard } from './pages/Dashboard.js'
import { Finance } from './pages/Finance.js'
import { Properties } from './pages/Properties.js'
import { Reports } from './pages/Reports.js'
import { Staff } from './pages/Staff.js'
import { Tasks } from './pages/Tasks.js'
import { Users } from './pages/Users.js'

export interface Route {
  readonly path: string
  readonly title: string
  readonly services: readonly string[]
  /** Only events of the chosen property; all others see every property. */
  readonly isScoped: boolean
  readonly Page: ComponentType
}

const route = (
  path: string,
  title: string,
  Page: ComponentType,
  services: readonly string[] = [path],
  isScoped = false,
): Route => ({ path, title, services, isScoped, Page })

const DASHBOARD = route('dashboard', 'Dashboard', Dashboard, ['dashboard', 'guest-checkin'], true)

export const ROUTES: readonly Route[] = [
  DASHBOARD,
  route('tasks', 'Tasks', Tasks),
  route('guest-checkin', 'Guest check-in', CheckIn),
  route('properties', 'Properties', Properties),
  route('finance', 'Finance', Finance, ['finance'], true),
  route('staff', 'Staff', Staff),
  route('users', 'Users', Users),
  route('reports', 'Reports', Reports),
  route('analytics', 'Analytics', Analytics),
]

export function routeOf(path: string): Route {
  return ROUTES.find((each) => each.path === path) ?? DASHBOARD
}

/** What `RealtimeProvider` asks for each route. */
export function servicesOf(path: string): readonly string[] {
  return routeOf(path).services
}
