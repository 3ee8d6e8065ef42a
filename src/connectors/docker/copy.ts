import type { Secret } from '../../kit/secret.ts'
import { anonymousVolumes, type Container } from './container.ts'

/** A container like another one. */
export interface Copy {
  /** For `POST /containers/create`. Holds values: the last thing before the wire. */
  readonly body: object
  /** Networks beside the first: a daemon before API 1.44 takes one when it creates a container, and the others after. */
  readonly more: readonly { readonly network: string; readonly endpoint: object }[]
}

/** The same container again, with these entries in its environment in place of those of the same name. `image`: what it is made from. */
export function copyOf(container: Container, entries: ReadonlyMap<string, Secret>, image: string): Copy {
  const { Id, Config, HostConfig, NetworkSettings } = container
  const kept = Config.Env.filter((line) => !entries.has(line.split('=', 1)[0] ?? ''))
  const added = [...entries].map(([key, value]) => `${key}=${value.reveal()}`)
  // Its own id in short when nobody chose one; and the daemon takes none where the name is another's.
  const shared = /^(host|container:)/.test(HostConfig.NetworkMode) || HostConfig.UTSMode === 'host'
  const hostname = shared || Config.Hostname === Id.slice(0, 12) ? '' : Config.Hostname
  const volumes = anonymousVolumes(container).map(({ Name, Destination, RW }) => `${Name}:${Destination}${RW ? '' : ':ro'}`)
  const networks = /^(host|none|container:)/.test(HostConfig.NetworkMode) ? [] : Object.entries(NetworkSettings.Networks)
  const [first, ...more] = networks
    .map(([network, settings]) => ({ network, endpoint: endpointOf(settings, Id) }))
    .toSorted((one, other) => Number(other.network === HostConfig.NetworkMode) - Number(one.network === HostConfig.NetworkMode))
  return {
    body: {
      ...Config, Env: [...kept, ...added], Image: image, Hostname: hostname,
      HostConfig: { ...HostConfig, Binds: [...HostConfig.Binds, ...volumes] },
      ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } } }),
    },
    more,
  }
}

/** What somebody chose of how it is in a network; the addresses that it happens to have are given anew. */
function endpointOf(settings: Readonly<Record<string, unknown>>, id: string): object {
  const { IPAMConfig, Links, Aliases, DriverOpts } = settings
  const aliases = Array.isArray(Aliases) ? Aliases.filter((alias) => alias !== id.slice(0, 12)) : Aliases
  return { IPAMConfig, Links, Aliases: aliases, DriverOpts }
}
