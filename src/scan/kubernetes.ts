import { basename, dirname } from 'node:path/posix'
import { entriesOf, itemsOf, nameIn, type Path, readDocuments, textOf, under, type YamlDocument } from './documents.ts'
import type { Mount, Page, Sighting } from './findings.ts'
import { fromFile } from './paths.ts'
import type { Seen } from './seen.ts'
import type { Trace, Tracer } from './trace.ts'

const WORKLOADS = new Set(['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob', 'Rollout'])
const SECRETS = new Set(['Secret', 'SealedSecret', 'ExternalSecret'])

/** Whether a text may be a manifest of Kubernetes: cheap, so that not every YAML file has to be parsed. */
export function mayBeKubernetes(file: string, text: string): boolean {
  return isKustomization(file) || (/^\s*["']?apiVersion["']?\s*:/m.test(text) && /^\s*["']?kind["']?\s*:/m.test(text))
}

function isKustomization(file: string): boolean {
  return /^(?:kustomization\.ya?ml|Kustomization)$/.test(basename(file))
}

/**
 * Reads Secrets, SealedSecrets, ExternalSecrets and secret generators of kustomize for their keys, and workloads for which keys
 * they take. A template of Helm that is no YAML before it is rendered is reported and left. Pure.
 */
export function scanKubernetes(file: string, text: string, trace: Tracer): Page {
  const read = readDocuments(text)
  if ('brokenAt' in read) {
    const why = text.includes('{{') ? 'a template of Helm, no YAML before it is rendered: scan what `helm template` prints' : 'no YAML from here on'
    return { unread: [{ file, line: read.brokenAt, why }] }
  }
  const pages = read.documents.flatMap((document) => scanDocument(file, document, [], document.value, trace))
  return {
    sightings: pages.flatMap(({ sightings = [] }) => sightings),
    mounts: pages.flatMap(({ mounts = [] }) => mounts),
    envFiles: pages.flatMap(({ envFiles = [] }) => envFiles),
    generated: pages.flatMap(({ generated = [] }) => generated),
  }
}

function scanDocument(file: string, document: YamlDocument, path: Path, value: unknown, trace: Tracer): readonly Page[] {
  const kind = textOf(under(value, 'kind'))
  const seenAt = (more: Path): Seen => ({ file, line: document.lineOf([...path, ...more]) })
  if (kind === 'List') return itemsOf(under(value, 'items')).flatMap((item, at) => scanDocument(file, document, [...path, 'items', at], item, trace))
  if (kind === 'Kustomization' || (kind === undefined && isKustomization(file))) return [scanGenerators(file, value, seenAt, trace)]
  const name = nameIn(under(under(value, 'metadata'), 'name'))
  if (kind === undefined || name === undefined) return []
  if (SECRETS.has(kind)) return [{ sightings: keysOf(kind, name, value, seenAt, trace) }]
  return WORKLOADS.has(kind) ? [scanWorkload(`${kind}/${name}`, value, seenAt, trace)] : []
}

function keysOf(kind: string, name: string, value: unknown, seenAt: (path: Path) => Seen, trace: Tracer): readonly Sighting[] {
  const sighting = (object: string, key: string, path: Path, found?: Trace): Sighting => ({
    key, seen: seenAt(path), holder: { is: 'kubernetes', object }, ...(found === undefined ? {} : { trace: found }),
  })
  const spec = under(value, 'spec')
  if (kind === 'SealedSecret') {
    const made = nameIn(under(under(under(spec, 'template'), 'metadata'), 'name')) ?? name
    return entriesOf(under(spec, 'encryptedData')).map(([key]) => sighting(`SealedSecret/${made}`, key, ['spec', 'encryptedData', key]))
  }
  if (kind === 'ExternalSecret') {
    const made = nameIn(under(under(spec, 'target'), 'name')) ?? name
    return itemsOf(under(spec, 'data')).flatMap((item, at) => {
      const key = nameIn(under(item, 'secretKey'))
      return key === undefined ? [] : [sighting(`ExternalSecret/${made}`, key, ['spec', 'data', at])]
    })
  }
  // Made by Kubernetes itself, for itself.
  if (textOf(under(value, 'type')) === 'kubernetes.io/service-account-token') return []
  const clear = entriesOf(under(value, 'stringData')).map(([key, text]) => sighting(`Secret/${name}`, key, ['stringData', key], trace(key, textOf(text) ?? '')))
  const encoded = entriesOf(under(value, 'data')).map(([key, text]) => sighting(`Secret/${name}`, key, ['data', key], trace(key, decode(textOf(text) ?? ''))))
  return [...encoded, ...clear]
}

/** The value behind base64; what is none (a variable, a template) as it stands. */
function decode(text: string): string {
  const compact = text.replaceAll(/\s/g, '')
  return /^[A-Za-z0-9+/]*={0,2}$/.test(compact) ? Buffer.from(compact, 'base64').toString('utf8') : text
}

function scanGenerators(file: string, value: unknown, seenAt: (path: Path) => Seen, trace: Tracer): Page {
  const generators = itemsOf(under(value, 'secretGenerator'))
  const objectOf = (generator: unknown): string => `Secret/${nameIn(under(generator, 'name')) ?? basename(dirname(file))}`
  const sightings = generators.flatMap((generator, at) => {
    const object = objectOf(generator)
    const literals = itemsOf(under(generator, 'literals')).flatMap((literal, index): Sighting[] => {
      const [, key, text] = /^([\w.-]+)=(.*)$/s.exec(textOf(literal) ?? '') ?? []
      if (key === undefined || text === undefined) return []
      const seen = seenAt(['secretGenerator', at, 'literals', index])
      return [{ key, seen, holder: { is: 'kubernetes', object }, trace: trace(key, text.replace(/^(["'])(.*)\1$/s, '$2')) }]
    })
    const files = itemsOf(under(generator, 'files')).flatMap((each, index): Sighting[] => {
      const key = nameIn(basename(textOf(each)?.split('=')[0] ?? ''))
      return key === undefined ? [] : [{ key, seen: seenAt(['secretGenerator', at, 'files', index]), holder: { is: 'kubernetes', object } }]
    })
    return [...literals, ...files]
  })
  const generated = generators.flatMap((generator, at) => {
    const files = [...itemsOf(under(generator, 'envs')), under(generator, 'env')].flatMap((each) => textOf(each) ?? [])
    return files.map((each) => ({ file: fromFile(file, each), object: objectOf(generator), seen: seenAt(['secretGenerator', at]) }))
  })
  return { sightings, generated, envFiles: generated.map((each) => ({ file: each.file, line: each.seen.line })) }
}

function scanWorkload(workload: string, value: unknown, seenAt: (path: Path) => Seen, trace: Tracer): Page {
  const [spec, path] = podOf(value, ['spec'])
  const containers = ['initContainers', 'containers'].flatMap((list) => eachOf(spec, list, path))
  const variables = containers.flatMap((container) => eachOf(container.value, 'env', container.path))
  const whole = containers.flatMap((container) => eachOf(container.value, 'envFrom', container.path))
  return {
    mounts: [
      ...variables.flatMap((variable) => {
        const reference = under(under(variable.value, 'valueFrom'), 'secretKeyRef')
        const names = { ...named('key', nameIn(under(reference, 'key'))), ...named('variable', nameIn(under(variable.value, 'name'))) }
        return mountOf(workload, nameIn(under(reference, 'name')), seenAt(variable.path), names)
      }),
      ...whole.flatMap((source) => mountOf(workload, nameIn(under(under(source.value, 'secretRef'), 'name')), seenAt(source.path))),
      ...eachOf(spec, 'volumes', path).flatMap((volume) => mountOf(workload, nameIn(under(under(volume.value, 'secret'), 'secretName')), seenAt(volume.path))),
    ],
    sightings: variables.flatMap((variable): Sighting[] => {
      const [key, text] = [nameIn(under(variable.value, 'name')), textOf(under(variable.value, 'value'))]
      if (key === undefined || text === undefined) return []
      return [{ key, seen: seenAt(variable.path), holder: { is: 'kubernetes', object: workload }, trace: trace(key, text) }]
    }),
  }
}

/** The items of a list, each with the way to it. */
function eachOf(holder: unknown, list: string, path: Path): readonly { readonly value: unknown; readonly path: Path }[] {
  return itemsOf(under(holder, list)).map((value, at) => ({ value, path: [...path, list, at] }))
}

function mountOf(workload: string, secret: string | undefined, seen: Seen, more: Pick<Mount, 'key' | 'variable'> = {}): readonly Mount[] {
  return secret === undefined ? [] : [{ workload, secret, seen, ...more }]
}

function named(name: 'key' | 'variable', text: string | undefined): Pick<Mount, 'key' | 'variable'> {
  return text === undefined ? {} : { [name]: text }
}

/** The pod of a workload and the way to it: a Deployment's template, a CronJob's template of a template. */
function podOf(value: unknown, path: Path): readonly [unknown, Path] {
  const spec = under(value, 'spec')
  const template = under(spec, 'jobTemplate') === undefined ? 'template' : 'jobTemplate'
  return under(spec, template) === undefined ? [spec, path] : podOf(under(spec, template), [...path, template, 'spec'])
}
