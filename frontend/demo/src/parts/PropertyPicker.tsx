import { useScope } from '../live/scope.js'

export function PropertyPicker() {
  const { propertyId, properties, choose } = useScope()
  return (
    <label className="picker">
      <span className="unseen">Property</span>
      <select
        value={propertyId ?? ''}
        onChange={({ target }) => choose(target.value === '' ? null : target.value)}
      >
        <option value="">All properties</option>
        {Object.entries(properties).map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
