import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CLOSE_CODES } from '../../../src/core/protocol/closeCodes.js'
import { RealtimeError } from '../../../src/core/protocol/errors.js'
import { decodeServerFrame } from '../../../src/core/protocol/frames.js'

const CONTRACT = `${import.meta.dirname}/../../../../contract`
const golden = readdirSync(`${CONTRACT}/frames`)
  .filter((file) => file.startsWith('server_'))
  .map((file) => ({ file, ...JSON.parse(readFileSync(`${CONTRACT}/frames/${file}`, 'utf8')) }))

describe('golden frames', () => {
  test.each(golden)('$file is read as it is meant: $what', ({ file, frame, decoded }) => {
    const read = decodeServerFrame(frame)
    if (file === 'server_of_a_newer_version.json') expect(read).toBeUndefined()
    else expect(read?.type).toBe(decoded.type)
  })

  test('a batch keeps every field of its events', () => {
    const { frame, decoded } = golden.find(({ file }) => file === 'server_batch.json')
    expect(decodeServerFrame(frame)).toMatchObject({
      prev: [1795419516000, 42],
      position: [1795419516000, 45],
      events: decoded.events,
    })
  })

  test('a hello tells of each service whether it was recovered', () => {
    const { frame } = golden.find(({ file }) => file === 'server_hello_resumed.json')
    expect(decodeServerFrame(frame)).toMatchObject({
      connectionId: 'k7Qm2vR8',
      propertyId: 'p9',
      services: [
        { name: 'tasks', position: [1795419516000, 42], recovered: true },
        { name: 'analytics', recovered: false },
      ],
    })
  })
})

describe('frames that cannot be read', () => {
  test.each([
    ['no text', new ArrayBuffer(3)],
    ['nothing', ''],
    ['no JSON', '{"type":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no type', '{}'],
    ['a type that is no text', '{"type":7}'],
    ['a batch without events', '{"type":"batch","service":"tasks","prev":"1-1","position":"1-2"}'],
    [
      'an event without seq',
      '{"type":"batch","service":"a","prev":"1-1","position":"1-2","events":[{}]}',
    ],
    [
      'a position that is a number',
      '{"type":"reset","service":"tasks","reason":"expired","position":5}',
    ],
    ['a position with a leading zero', '{"type":"heartbeat","positions":{"tasks":"01-1"}}'],
    [
      'a position beyond what a number holds',
      '{"type":"heartbeat","positions":{"a":"9007199254740992-1"}}',
    ],
    [
      'a hello without services',
      '{"type":"hello","connectionId":"c","node":"n","propertyId":null}',
    ],
    ['an error without a code', '{"type":"error","name":"x"}'],
    [
      'an error that does not tell whether to try again',
      '{"type":"error","code":4429,"name":"x","message":"m","remedy":"r"}',
    ],
    [
      'an event that is a number',
      '{"type":"batch","service":"a","prev":"1-1","position":"1-2","events":[5]}',
    ],
    ['positions that are a text', '{"type":"heartbeat","positions":"1-2"}'],
    ['a drain without its wait', '{"type":"drain"}'],
    ['services that are no names', '{"type":"disabled","services":[1]}'],
  ])('%s is a typed error', (_, text) => {
    let thrown: unknown
    try {
      decodeServerFrame(text)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(RealtimeError)
    expect(thrown).toMatchObject({ code: 1011, name: 'bad_frame', retryable: true })
    expect((thrown as RealtimeError).remedy).not.toBe('')
  })

  test('an unknown type is none of our business, whatever its name', () => {
    expect(decodeServerFrame('{"type":"confetti"}')).toBeUndefined()
    expect(decodeServerFrame('{"type":"toString"}')).toBeUndefined()
  })
})

test('the table of close codes is the one of the contract', () => {
  const rows = JSON.parse(readFileSync(`${CONTRACT}/close_codes.json`, 'utf8'))
  const pairs = rows.map(({ code, name, retry }: Record<string, string>) => [code, [name, retry]])
  expect(CLOSE_CODES).toEqual(Object.fromEntries(pairs))
})
