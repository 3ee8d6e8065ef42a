import { basename, dirname } from 'node:path/posix'
import { entriesOf, itemsOf, nameIn, type Path, readDocuments, textOf, under, type YamlDocument } from './documents.ts'
import type { Page, Service, Sighting, Unread } from './findings.ts'
import { type Login, readLogin } from './login.ts'
import { fromFile } from './paths.ts'
import type { Seen } from './seen.ts'
import { serverOfImage } from './servers.ts'
import type { Tracer } from './trace.ts'

/** Whether a file is a compose file by its name: `compose.yaml`, `docker-compose.prod.yml`. */
export function isComposeFile(path: string): boolean {
  return /^(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$/i.test(basename(path))
}

/**
 * Reads services, what they take from env files and from the `.env` of the project, and values that stand in the file itself.
 * Facts: https://docs.docker.com/reference/compose-file/services/ and .../interpolation/. Pure.
 */
export function scanCompose(file: string, text: string, trace: Tracer): Page {
  const read = readDocuments(text)
  if ('brokenAt' in read) return { unread: [{ file, line: read.brokenAt, why: 'no YAML from here on' }] }
  const pages = read.documents.map((document) => scanDocument(file, document, trace))
  return {
    services: pages.flatMap(({ services = [] }) => services),
    sightings: pages.flatMap(({ sightings = [] }) => sightings),
    logins: pages.flatMap(({ logins = [] }) => logins),
    envFiles: pages.flatMap(({ envFiles = [] }) => envFiles),
    secretFiles: pages.flatMap(({ secretFiles = [] }) => secretFiles),
    unread: pages.flatMap(({ unread = [] }) => unread),
    ...pages.reduce<{ system?: string }>((found, { system }) => (system === undefined ? found : { system }), {}),
  }
}

function scanDocument(file: string, document: YamlDocument, trace: Tracer): Page {
  const { value } = document
  const seenAt = (path: Path): Seen => ({ file, line: document.lineOf(path) })
  const system = nameIn(under(value, 'name'))
  const secrets = entriesOf(under(value, 'secrets'))
  const environments = new Map(secrets.flatMap(([name, secret]) => named(name, textOf(under(secret, 'environment')))))
  const secretFiles = secrets.flatMap(([name, secret]) => {
    const path = textOf(under(secret, 'file'))
    return path === undefined || path.includes('$') ? [] : [{ key: name, seen: seenAt(['secrets', name]), file: fromFile(file, path) }]
  })
  const services = entriesOf(under(value, 'services')).map(([name, service]) => readService(file, name, service, seenAt, environments, trace))
  const included = under(value, 'include') === undefined ? [] : [{ ...seenAt(['include']), why: 'what it includes is read only from files with the name of a compose file' }]
  return {
    services: services.map(({ service }) => service),
    sightings: services.flatMap(({ sightings }) => sightings),
    logins: services.flatMap(({ logins }) => logins),
    envFiles: services.flatMap(({ envFiles }) => envFiles),
    secretFiles,
    unread: [...included, ...services.flatMap(({ unread }) => unread)],
    ...(system === undefined ? {} : { system }),
  }
}

interface ServiceReading {
  readonly service: Service
  readonly sightings: readonly Sighting[]
  readonly logins: readonly Login[]
  readonly envFiles: readonly Seen[]
  readonly unread: readonly Unread[]
}

function readService(
  file: string,
  name: string,
  value: unknown,
  seenAt: (path: Path) => Seen,
  environments: ReadonlyMap<string, string>,
  trace: Tracer,
): ServiceReading {
  const path = ['services', name]
  const server = serverOfImage(textOf(under(value, 'image')) ?? '')
  const envFiles = envFilesOf(file, value).map((each) => ({ ...each, seen: seenAt([...path, 'env_file']) }))
  const variables = environmentOf(value).map((each) => ({ ...each, seen: seenAt([...path, 'environment', each.at]) }))
  const granted = itemsOf(under(value, 'secrets')).flatMap((each) => environments.get(textOf(each) ?? textOf(under(each, 'source')) ?? '') ?? [])
  const passed = variables.flatMap(({ key, text }) => (text === undefined ? [key] : []))
  const envFile = fromFile(file, '.env')
  return {
    service: {
      name,
      seen: seenAt(path),
      ...(server === undefined ? {} : { server }),
      envFiles: envFiles.flatMap((each) => each.file ?? []),
      variables: [...new Set([...interpolated(value), ...passed, ...granted])],
    },
    sightings: variables.flatMap(({ key, text, seen }): Sighting[] => {
      if (text === undefined) return []
      const fallback = fallbackOf(text)
      const holder = { is: 'compose', service: name, ...(fallback === undefined ? {} : { fallback: true as const }) } as const
      return [{ key, seen, holder, trace: trace(key, fallback ?? text) }]
    }),
    logins: variables.flatMap(({ text, seen }) => (text === undefined ? undefined : readLogin(text, seen, envFile)) ?? []),
    envFiles: envFiles.flatMap(({ file: env, seen }) => (env === undefined ? [] : [{ file: env, line: seen.line }])),
    unread: [
      ...envFiles.flatMap(({ file: env, seen }) => (env === undefined ? [{ ...seen, why: `the env file of ${name} is named by a variable` }] : [])),
      ...(textOf(under(under(value, 'extends'), 'file')) === undefined ? [] : [{ ...seenAt([...path, 'extends']), why: `what ${name} takes over from another file` }]),
    ],
  }
}

/** `env_file` is a path, or a list of paths and of maps with `path`. The file is absent where a variable names it. */
function envFilesOf(file: string, service: unknown): readonly { readonly file?: string }[] {
  const written = under(service, 'env_file')
  const paths = (Array.isArray(written) ? itemsOf(written) : [written]).flatMap((each) => textOf(each) ?? textOf(under(each, 'path')) ?? [])
  return paths.map((path) => (path.includes('$') ? {} : { file: fromFile(file, path) }))
}

/** `environment` is a map or a list of `KEY=value`; a key without a value is passed on from `.env` or the shell. */
function environmentOf(service: unknown): readonly { readonly key: string; readonly text?: string; readonly at: string | number }[] {
  const written = under(service, 'environment')
  if (!Array.isArray(written)) return entriesOf(written).map(([key, value]) => ({ key, at: key, ...textField(textOf(value)) }))
  return itemsOf(written).flatMap((item, at) => {
    const [, key, value] = /^([A-Za-z_][\w.-]*)(?:=(.*))?$/s.exec(textOf(item) ?? '') ?? []
    return key === undefined ? [] : [{ key, at, ...textField(value) }]
  })
}

function textField(text: string | undefined): { readonly text?: string } {
  return text === undefined ? {} : { text }
}

/** The names of variables in all texts of a value: `${NAME}`, `${NAME:-x}`, `$NAME`; `$$` is a dollar sign. */
function interpolated(value: unknown): readonly string[] {
  const text = textOf(value)
  if (text !== undefined) return [...text.matchAll(/\$(?:\$|\{([A-Za-z_]\w*)|([A-Za-z_]\w*))/g)].flatMap((match) => match[1] ?? match[2] ?? [])
  return value === null || typeof value !== 'object' ? [] : Object.values(value).flatMap(interpolated)
}

/** What stands in the file for the case that the variable is not set: `${NAME:-this}`. */
function fallbackOf(text: string): string | undefined {
  return /^\$\{[A-Za-z_]\w*:?-([^${}]+)\}$/.exec(text)?.[1]
}

function named<T>(name: string, value: T | undefined): readonly (readonly [string, T])[] {
  return value === undefined ? [] : [[name, value]]
}

/** How compose names a project's folder and files on the command line. */
export interface Project {
  /** From the scanned folder; `.` is that folder itself. */
  readonly folder: string
  /** Those that compose takes without being told, or one that has to be named with `-f`. */
  readonly files: readonly string[]
  readonly named: boolean
}

const BASES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']

/**
 * The projects that compose files make: by folder the file that compose takes by itself with its override, or the only one that
 * there is. Others (`compose.prod.yaml` beside a base) are combined by hand in ways that nobody can tell from here. Pure.
 */
export function projectsOf(files: readonly string[]): readonly Project[] {
  return [...Map.groupBy(files, (file) => dirname(file))].flatMap(([folder, inside]): readonly Project[] => {
    const base = BASES.map((name) => inside.find((file) => basename(file) === name)).find((file) => file !== undefined)
    const [only] = inside
    if (base === undefined) return inside.length === 1 && only !== undefined ? [{ folder, files: [only], named: true }] : []
    const overrides = ['yaml', 'yml'].map((end) => base.replace(/\.ya?ml$/, `.override.${end}`))
    return [{ folder, files: inside.filter((file) => file === base || overrides.includes(file)), named: false }]
  })
}
