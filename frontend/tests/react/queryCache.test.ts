import { expect, test } from 'vitest'
import type { RealtimeEvent } from '../../src/core/index.js'
import { applyToQueryCache } from '../../src/react/index.js'

class FakeCache {
  value: number[] | undefined = [1]
  readonly invalidated: (readonly unknown[])[] = []

  setQueryData(_: readonly unknown[], updater: (cached: never) => unknown): void {
    this.value = updater(this.value as never) as number[]
  }

  invalidateQueries({ queryKey }: { readonly queryKey: readonly unknown[] }): void {
    this.invalidated.push(queryKey)
  }
}

const event = (n: number) => ({ data: n }) as RealtimeEvent<number>
const queryKey = ['tasks', 'p9']
const update = (cached: number[], { data }: RealtimeEvent<number>) =>
  data < 0 ? undefined : [...cached, data]

test('events that can be applied change the cached value, and fetch nothing', () => {
  const cache = new FakeCache()
  applyToQueryCache<number[], number>(cache, { queryKey, update }).onEvents([event(2), event(3)])
  expect(cache.value).toEqual([1, 2, 3])
  expect(cache.invalidated).toEqual([])
})

test('one that cannot be applied leaves the value and has it fetched', () => {
  const cache = new FakeCache()
  applyToQueryCache<number[], number>(cache, { queryKey, update }).onEvents([event(2), event(-1)])
  expect(cache.value).toEqual([1])
  expect(cache.invalidated).toEqual([queryKey])
})

test('what is not in the cache yet is fetched', () => {
  const cache = new FakeCache()
  cache.value = undefined
  applyToQueryCache<number[], number>(cache, { queryKey, update }).onEvents([event(2)])
  expect(cache.value).toBeUndefined()
  expect(cache.invalidated).toEqual([queryKey])
})

test('without a rule every event has it fetched', () => {
  const cache = new FakeCache()
  applyToQueryCache(cache, { queryKey }).onEvents([event(2)])
  expect(cache.invalidated).toEqual([queryKey])
})

test('a gap and a beginning have it fetched', () => {
  const cache = new FakeCache()
  const listener = applyToQueryCache(cache, { queryKey, update })
  listener.onGap({ type: 'gap', service: 'tasks', reason: 'expired', position: '1-1' })
  listener.onLive?.()
  expect(cache.invalidated).toEqual([queryKey, queryKey])
})
