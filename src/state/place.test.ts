import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../kit/secret.ts'
import { nameOfPlace, placeOf, schemaOf } from './place.ts'

const password = randomBytes(18).toString('hex')

describe('the place of a state', () => {
  it('is a folder from the base on, or a database with a folder for this machine', () => {
    expect(placeOf(new Secret('var/state'), '/srv', {})).toBe('/srv/var/state')
    expect(placeOf(new Secret('/var/state'), '/srv', {})).toBe('/var/state')
    const url = new Secret('postgres://db/keyturn')
    expect(placeOf(url, '/srv', { XDG_STATE_HOME: '/home/ada/state' })).toEqual({ url, host: '/home/ada/state/keyturn' })
  })

  it('is no other URL, which is not quoted', () => {
    const place = (): unknown => placeOf(new Secret(`mysql://me:${password}@db/x`), '/srv', {})
    expect(place).toThrow(expect.objectContaining({ code: 'REFERENCE_UNRESOLVED' }))
    expect(place).not.toThrow(password)
  })

  it('has a name without anything that logs in', () => {
    const url = new Secret(`postgresql://ada:${password}@db.example:5433/keyturn?sslmode=verify-full&options=-c%20search_path%3Dblue`)
    expect(nameOfPlace({ url, host: '/' })).toBe('postgres://db.example:5433/keyturn (schema blue)')
    expect(nameOfPlace('/srv/state')).toBe('/srv/state')
  })

  it.each([
    ['postgres://db/x', 'keyturn'], ['postgres://db/x?options=-c%20search_path%3Dblue', 'blue'], ['postgres://db/x?options=-csearch_path=%22blue%22,public%20-c%20x=1', 'blue'],
    ['postgres://db/x?options=-c%20statement_timeout%3D5', 'keyturn'],
  ])('names its schema, or none: %s', (url, schema) => {
    expect(schemaOf(new Secret(url))).toBe(schema)
  })
})
