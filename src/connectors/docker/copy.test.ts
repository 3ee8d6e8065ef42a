import { describe, expect, it } from 'vitest'
import { Secret } from '../../kit/secret.ts'
import { type Container, inspected } from './container.ts'
import { copyOf } from './copy.ts'

const ID = '0123456789abcdef'.repeat(4)

/** As the engine shows it, with these settings. */
function container({ config = {}, host = {}, networks = {} }: { readonly config?: object; readonly host?: object; readonly networks?: object }): Container {
  return inspected.parse({
    Id: ID, Name: '/app', Image: 'sha256:1', State: { Running: true, StartedAt: '2026-01-01T00:00:00Z' }, Config: { Image: 'app:1', Env: ['A=1', 'B=2'], ...config }, HostConfig: host,
    Mounts: [], NetworkSettings: { Networks: networks },
  })
}

describe('the copy of a container', () => {
  it('has the entries in place of those of the same name, and no other variable changed', () => {
    const { body } = copyOf(container({}), new Map([['A', new Secret('x=y')], ['C', new Secret('')]]), 'app:1')
    expect(body).toMatchObject({ Image: 'app:1', Env: ['B=2', 'A=x=y', 'C='] })
  })

  it('keeps a name that somebody chose, and gets a new one where it was its own id or is another\'s', () => {
    const hostname = (config: object, host: object = {}): unknown => Object.entries(copyOf(container({ config, host }), new Map(), 'app:1').body).find(([key]) => key === 'Hostname')?.[1]
    expect(hostname({ Hostname: 'chosen' })).toBe('chosen')
    expect(hostname({ Hostname: ID.slice(0, 12) })).toBe('')
    expect(hostname({ Hostname: 'machine' }, { NetworkMode: 'host' })).toBe('')
    expect(hostname({ Hostname: 'other' }, { NetworkMode: 'container:abc' })).toBe('')
  })

  it('is in the same networks under the same names, in its first one when it is created and in the others after', () => {
    const front = { IPAMConfig: { IPv4Address: '10.0.0.9' }, Aliases: ['web', ID.slice(0, 12)], IPAddress: '10.0.0.9', MacAddress: '02:00' }
    const { body, more } = copyOf(container({ host: { NetworkMode: 'front' }, networks: { back: { Aliases: null }, front } }), new Map(), 'app:1')
    expect(body).toMatchObject({ NetworkingConfig: { EndpointsConfig: { front: { IPAMConfig: { IPv4Address: '10.0.0.9' }, Aliases: ['web'] } } } })
    expect(JSON.stringify(body)).not.toMatch(/02:00|"back"/)
    expect(more.map(({ network }) => network)).toEqual(['back'])
    expect(copyOf(container({ host: { NetworkMode: 'host' }, networks: { host: {} } }), new Map(), 'app:1').body).not.toHaveProperty('NetworkingConfig')
  })
})
