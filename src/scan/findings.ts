import type { Environment } from '../manifest/model.ts'
import type { GitState } from '../outside/file/index.ts'
import type { Login } from './login.ts'
import type { Seen } from './seen.ts'
import type { Trace } from './trace.ts'

/** What holds a key: `env-file` is the only one that the `dotenv` store can write. */
export type Holder =
  | { readonly is: 'env-file' }
  /** The `environment` of a service, in the compose file itself; with `fallback` only for when its variable is not set. */
  | { readonly is: 'compose'; readonly service: string; readonly fallback?: true }
  /** A file with nothing but the value, under the `secrets` of a compose file. */
  | { readonly is: 'secret-file' }
  /** `object` names it as kubectl does: `Secret/api`. */
  | { readonly is: 'kubernetes'; readonly object: string }

/** A key and what could be told of its value; never the value. */
export interface Sighting {
  readonly key: string
  readonly seen: Seen
  readonly holder: Holder
  /** Absent when there is no value to look at: sealed, or made elsewhere. */
  readonly trace?: Trace
}

/** An env file. */
export interface EnvFile {
  readonly file: string
  /** By its name, `.env.staging`; absent when the name does not say. */
  readonly environment?: Environment
  /** An example for people, such as `.env.example`. */
  readonly example: boolean
}

/** A service of a compose file. */
export interface Service {
  readonly name: string
  readonly seen: Seen
  /** What its image is when that is a server which accepts logins itself, such as `PostgreSQL`. */
  readonly server?: string
  /** Its env files, from the scanned folder. */
  readonly envFiles: readonly string[]
  /** The variables that its part of the compose file takes from the `.env` beside it. */
  readonly variables: readonly string[]
}

/** A workload of Kubernetes takes a key of a Secret; all of its keys when `key` is absent. */
export interface Mount {
  /** As kubectl names it: `Deployment/api`. */
  readonly workload: string
  readonly secret: string
  readonly key?: string
  /** The variable that gets it; absent for files, and when each key is a variable of its own name. */
  readonly variable?: string
  readonly seen: Seen
}

/** kustomize makes a Secret of an env file. */
export interface Generated {
  readonly file: string
  readonly object: string
  readonly seen: Seen
}

/** Code asks for a variable of its environment. */
export interface CodeRead {
  readonly key: string
  readonly seen: Seen
}

/** Something that was not read, and why; the line is absent when it is the whole file. */
export interface Unread {
  readonly file: string
  readonly line?: number
  readonly why: string
}

/** What one file says. Each list is absent when the file says nothing of the kind. */
export interface Page {
  readonly sightings?: readonly Sighting[]
  readonly services?: readonly Service[]
  readonly mounts?: readonly Mount[]
  readonly generated?: readonly Generated[]
  readonly reads?: readonly CodeRead[]
  readonly logins?: readonly Login[]
  readonly unread?: readonly Unread[]
  /** Other files that it names and that hold values, from the scanned folder. */
  readonly envFiles?: readonly Seen[]
  readonly secretFiles?: readonly { readonly key: string; readonly seen: Seen; readonly file: string }[]
  /** The name of the whole system, if it says one. */
  readonly system?: string
}

/** All that a scan found. */
export interface Findings {
  readonly envFiles: readonly EnvFile[]
  readonly sightings: readonly Sighting[]
  readonly composeFiles: readonly string[]
  readonly services: readonly Service[]
  readonly mounts: readonly Mount[]
  readonly generated: readonly Generated[]
  readonly reads: readonly CodeRead[]
  readonly logins: readonly Login[]
  readonly unread: readonly Unread[]
  readonly system?: string
  /** How git sees each file that holds a key. */
  readonly git: ReadonlyMap<string, GitState>
}
