import { RealtimeProvider, setRealtimePropertyFilter } from 'fanwire/react'
import { useEffect, useState } from 'react'
import { fetchToken, fetchWorkspace, type Workspace } from './backend.js'
import { ScopeContext } from './live/scope.js'
import { Shell } from './parts/Shell.js'
import { useRoute } from './router.js'
import { routeOf, servicesOf } from './routes.js'

export function App() {
  const [workspace, setWorkspace] = useState<Workspace>()
  const [failure, setFailure] = useState<string>()
  useEffect(() => {
    fetchWorkspace().then(setWorkspace, (thrown) => setFailure(String(thrown)))
  }, [])
  if (failure) return <p className="splash">Keyring cannot reach its backend. {failure}</p>
  if (!workspace) return <p className="splash">Opening Keyring…</p>
  return <Connected workspace={workspace} />
}

function Connected({ workspace }: { readonly workspace: Workspace }) {
  const route = routeOf(useRoute())
  const [chosen, choose] = useState<string | null>(Object.keys(workspace.properties)[0] ?? null)
  const propertyId = route.isScoped ? chosen : null
  // After the provider's own effects, which come first as it is the child: the client is there.
  useEffect(() => setRealtimePropertyFilter(propertyId), [propertyId])
  return (
    <RealtimeProvider
      url={workspace.url}
      getToken={fetchToken}
      services={servicesOf}
      route={route.path}
    >
      <ScopeContext value={{ propertyId, properties: workspace.properties, choose }}>
        <Shell route={route} />
      </ScopeContext>
    </RealtimeProvider>
  )
}
