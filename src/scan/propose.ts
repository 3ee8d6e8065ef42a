import { dirname } from 'node:path/posix'
import type { Environment } from '../manifest/model.ts'
import { type Candidate, groupSightings, kindOf, secretNameOf } from './candidates.ts'
import { type Users, usersOf } from './consumers.ts'
import { describeEnvFile } from './env-files.ts'
import type { Findings, Sighting } from './findings.ts'
import { issuanceOf } from './issuers.ts'
import { nameAll } from './names.ts'
import { placeOf, type Seen } from './seen.ts'

/** Something that reads a key. */
export interface Reader {
  readonly who: string
  readonly seen: Seen
}

/** One secret as it would stand in a manifest. */
export interface Proposal {
  readonly name: string
  readonly held: readonly Sighting[]
  readonly readers: readonly Reader[]
  /** Absent when it is not known who makes it. */
  readonly issuer?: Readonly<Record<string, unknown>>
  /** By env file, from the scanned folder; without a file: a place that no store is known for. */
  readonly stores: readonly { readonly file?: string; readonly bind: Readonly<Record<string, unknown>> }[]
  readonly users: Users
  /** What users feel; absent when that is not known. */
  readonly impact?: string
  /** What keeps it from being certain. Nothing: it is written as it is. */
  readonly why: readonly string[]
  /** What holds for it and should be known. */
  readonly notes: readonly string[]
}

/** The manifest that a scan leads to, as data. */
export interface Draft {
  readonly system: string
  readonly environment: Environment
  /** How the environment is known. */
  readonly environmentWhy: string
  readonly decided: readonly Proposal[]
  readonly undecided: readonly Proposal[]
  /** Env files of other environments, with how many secrets each holds. */
  readonly elsewhere: readonly { readonly file: string; readonly environment: Environment; readonly keys: number }[]
}

/** Makes proposals of what was found, for one environment: the named one, or the one that the env files speak of. Pure. */
export function propose(findings: Findings, system: string, wanted?: Environment): Draft {
  const { environment, why } = environmentOf(findings, wanted)
  const ours = findings.sightings.filter(({ seen, holder }) => holder.is !== 'env-file' || belongs(seen.file, environment))
  const candidates = groupSightings(ours.filter(({ holder }) => holder.is !== 'compose' || holder.fallback !== true))
  const names = nameAll(candidates)
  const scope = { ...findings, sightings: ours }
  const proposals = withAdmins(candidates.map((candidate, index) => proposalOf(candidate, names[index] ?? '', scope)), candidates)
  const others = findings.envFiles.filter(({ file, example }) => !example && !belongs(file, environment))
  return {
    system: findings.system ?? system,
    environment,
    environmentWhy: why,
    decided: proposals.filter((proposal) => proposal.why.length === 0),
    undecided: proposals.filter((proposal) => proposal.why.length > 0),
    elsewhere: others.flatMap(({ file, environment: other }) => {
      const keys = findings.sightings.filter((each) => each.seen.file === file && kindOf(each).is !== 'no-secret').length
      return other === undefined || keys === 0 ? [] : [{ file, environment: other, keys }]
    }),
  }
}

function belongs(file: string, environment: Environment): boolean {
  const described = describeEnvFile(file)
  return !described.example && (described.environment ?? environment) === environment
}

function environmentOf({ envFiles }: Findings, wanted: Environment | undefined): { readonly environment: Environment; readonly why: string } {
  if (wanted !== undefined) return { environment: wanted, why: 'As it was asked for' }
  const said = [...new Set(envFiles.filter(({ example }) => !example).flatMap(({ environment }) => environment ?? []))]
  const [only] = said
  const asNamed = 'As the name of an env file says'
  if (only === undefined) return { environment: 'production', why: 'No env file says which environment this is: mend it if it is another' }
  if (said.includes('production')) return { environment: 'production', why: asNamed }
  const environment = said.includes('staging') ? 'staging' : only
  return { environment, why: said.length > 1 ? `Env files speak of ${said.join(' and ')}: take the right one` : asNamed }
}

function proposalOf(candidate: Candidate, name: string, findings: Findings): Proposal {
  const { held, kind } = candidate
  const issuance = issuanceOf(candidate, name, findings)
  const writable = held.filter(({ holder }) => holder.is === 'env-file')
  const users = usersOf([...writable, ...issuance.more], findings)
  const places = Map.groupBy([...held, ...issuance.more], (each) => (each.holder.is === 'env-file' ? each.seen.file : `${holderText(each)} of ${each.seen.file}`))
  const stores = [...places.values()].map((all) => {
    const file = all[0]?.holder.is === 'env-file' ? { file: all[0].seen.file } : {}
    return { ...file, bind: Object.fromEntries(all.map((each) => [each.key, issuance.binding(each)])) }
  })
  return {
    name,
    held,
    readers: readersOf(held, findings),
    ...(issuance.issuer === undefined ? {} : { issuer: issuance.issuer }),
    stores,
    users,
    ...(kind.is === 'self-made' && kind.feel !== undefined ? { impact: kind.feel } : {}),
    why: [...issuance.why, ...placesWhy(held, findings)],
    notes: [...issuance.notes, ...notesOf(users, writable.length > 0)],
  }
}

/** What is not certain because of the places that hold it. */
function placesWhy(held: readonly Sighting[], { git, generated }: Findings): readonly string[] {
  const elsewhere = new Set(held.flatMap((sighting) => elsewhereWhy(sighting) ?? []))
  const files = [...new Set(held.filter(({ holder }) => holder.is === 'env-file').map(({ seen }) => seen.file))]
  return [
    ...elsewhere,
    ...generated.filter(({ file }) => files.includes(file)).map(({ file, object, seen }) => `kustomize makes ${object} of ${file} (${placeOf(seen)}): say what applies it`),
    ...files.flatMap((file) => (git.get(file) === 'tracked' ? [`git tracks ${file}: take it out of git first`] : [])),
    ...files.flatMap((file) => (git.get(file) === 'exposed' ? [`git does not ignore ${file}: add it to .gitignore first`] : [])),
  ]
}

function elsewhereWhy(sighting: Sighting): string | undefined {
  const { holder } = sighting
  if (holder.is === 'env-file') return undefined
  if (holder.is === 'compose') return `its value stands in ${holderText(sighting)} itself: move it to an env file first`
  if (holder.is === 'secret-file') return `${holderText(sighting)} holds it: give the store that writes it`
  if (secretNameOf(holder.object) !== undefined) return `${holder.object} holds it: give the store that writes it`
  return `its value stands in ${holder.object} itself: move it to a Secret first`
}

/** In words, what holds a key. */
export function holderText({ holder, seen }: Sighting): string {
  switch (holder.is) {
    case 'env-file':
      return seen.file
    case 'compose':
      return `the service ${holder.service} in ${seen.file}`
    case 'secret-file':
      return `the secret file ${seen.file}`
    case 'kubernetes':
      return holder.object
  }
}

function notesOf({ recreations, servers, unsure }: Users, stored: boolean): readonly string[] {
  return [
    ...(stored && recreations.length === 0 ? ['no consumer was found: name what has to be restarted, or the running processes keep the old value'] : []),
    ...servers.map(
      ({ service, server, seen }) =>
        `${service} (${placeOf(seen)}) is ${server} itself: it reads this only when its data folder is new, ` +
        'but a later `docker compose up` that names no service recreates it, for its environment changed',
    ),
    ...unsure.map(({ service, seen }) => `${service} (${placeOf(seen)}) takes it, but how that compose file is combined with others cannot be told`),
  ]
}

/** Code that asks for one of the keys, in the folder of the env file or below; and workloads that take it. */
function readersOf(held: readonly Sighting[], { reads, mounts, generated }: Findings): readonly Reader[] {
  const objectsOf = ({ seen, holder }: Sighting): readonly string[] =>
    holder.is === 'kubernetes' ? [holder.object] : generated.filter(({ file }) => file === seen.file).map(({ object }) => object)
  const taken = mounts.filter((mount) => held.some((each) => (mount.key ?? each.key) === each.key && objectsOf(each).some((object) => secretNameOf(object) === mount.secret)))
  const folders = held.map(({ seen, holder }) => (holder.is === 'env-file' && dirname(seen.file) !== '.' ? `${dirname(seen.file)}/` : ''))
  const keys = new Set([...held.map(({ key }) => key), ...taken.flatMap(({ variable }) => variable ?? [])])
  const code = reads.filter(({ key, seen }) => keys.has(key) && folders.some((folder) => seen.file.startsWith(folder)))
  return [...taken.map(({ workload, seen }) => ({ who: workload, seen })), ...code.map(({ seen }) => ({ who: 'code', seen }))]
}

/** One admin for each server: that of the first one that is decided has the plain name, others are named for their secret. */
function withAdmins(proposals: readonly Proposal[], candidates: readonly Candidate[]): readonly Proposal[] {
  const servers = candidates.map(({ held }) => held.flatMap(({ trace }) => (trace?.shape.is === 'login' ? [trace.shape.server] : []))[0] ?? 0)
  const known = servers.flatMap((server, index) => (server !== 0 && proposals[index]?.issuer?.['use'] === 'postgres' ? [{ server, sure: proposals[index].why.length === 0 }] : []))
  const home = (known.find(({ sure }) => sure) ?? known[0])?.server
  return proposals.map((proposal, index) => {
    if (proposal.issuer?.['use'] !== 'postgres') return proposal
    const own = servers[index] === 0 || servers[index] === home ? '' : `_${proposal.name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
    const { use, ...config } = proposal.issuer
    return { ...proposal, issuer: { use, admin: `\${env:PG_ADMIN_URL${own}}`, ...config } }
  })
}
