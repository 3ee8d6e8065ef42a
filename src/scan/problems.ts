import { classify } from './classify.ts'
import { hasValue, kindOf, secretNameOf } from './candidates.ts'
import { describeEnvFile } from './env-files.ts'
import type { Findings, Sighting } from './findings.ts'
import { bySeen, type Seen } from './seen.ts'
import type { Shape } from './trace.ts'

/** Something that should be mended whatever is rotated. */
export interface Mend {
  readonly seen: Seen
  readonly what: string
  /** What to do about it. */
  readonly write: string
}

/** A secret by its name that has no value here. */
export interface Unset {
  readonly key: string
  readonly seen: Seen
  /** Absent for one that only code asks for. */
  readonly shape?: Shape['is']
}

const HISTORY = 'what git has once had stays in its history: rotate it afterwards'

/** Values in places that everybody reads. By file and line. Pure. */
export function problemsOf(findings: Findings): readonly Mend[] {
  const values = findings.sightings.filter((each) => each.trace !== undefined && hasValue(each))
  const secrets = values.filter((each) => !['no-secret', 'perhaps'].includes(kindOf(each).is))
  return [...envFileProblems(secrets, findings), ...secrets.flatMap((each) => literalProblem(each, findings) ?? []), ...sharedProblems(secrets)].sort(bySeen)
}

function envFileProblems(secrets: readonly Sighting[], { git }: Findings): readonly Mend[] {
  const held = Map.groupBy(secrets.filter(({ holder }) => holder.is === 'env-file'), ({ seen }) => seen.file)
  return [...held].flatMap(([file, all]): Mend[] => {
    const seen = { file, line: 1 }
    if (describeEnvFile(file).example) {
      const real = all.filter(isReal)
      const write = 'a placeholder such as `<your key>`; then rotate it'
      return real.map((each) => ({ seen: each.seen, what: `${each.key} has what looks like a value, in an example that everybody reads`, write }))
    }
    if (git.get(file) === 'tracked') {
      return [{ seen, what: 'git tracks this file, and it holds secrets', write: `\`git rm --cached ${file}\` and its name into .gitignore; ${HISTORY}` }]
    }
    if (git.get(file) === 'exposed') return [{ seen, what: 'git does not ignore this file, and it holds secrets', write: 'its name into .gitignore' }]
    return []
  })
}

/** Not a word that stands for a value, as examples have it. */
function isReal({ trace }: Sighting): boolean {
  if (trace === undefined) return false
  const { shape } = trace
  return shape.is === 'login' ? !shape.password.weak : !['number', 'plain', 'text', 'user'].includes(shape.is)
}

function literalProblem({ key, seen, holder }: Sighting, { git }: Findings): Mend | undefined {
  const state = git.get(seen.file)
  const inGit = state === 'tracked' ? 'git tracks' : state === 'exposed' ? 'git does not ignore' : undefined
  switch (holder.is) {
    case 'env-file':
      return undefined
    case 'compose':
      if (holder.fallback === true) return { seen, what: `a fallback for ${key} stands here in the clear`, write: `\`\${${key}:?}\`, which stops without it` }
      return { seen, what: `the value of ${key} stands here in the clear`, write: `\`\${${key}:?}\`, and the value in an env file that git ignores` }
    case 'secret-file':
      return inGit === undefined ? undefined : { seen, what: `${inGit} this secret file`, write: `its name into .gitignore; ${HISTORY}` }
    case 'kubernetes':
      if (secretNameOf(holder.object) === undefined) return { seen, what: `the value of ${key} stands in ${holder.object} in the clear`, write: '`valueFrom: { secretKeyRef: ... }`' }
      if (inGit === undefined) return undefined
      return { seen, what: `${holder.object} has the value of ${key} in a file that ${inGit}`, write: `a SealedSecret or an ExternalSecret; ${HISTORY}` }
  }
}

/** One value in two environments: who has the one has the other (an environment never shares a secret). */
function sharedProblems(secrets: readonly Sighting[]): readonly Mend[] {
  const placed = secrets.flatMap((each) => {
    const { environment } = describeEnvFile(each.seen.file)
    const mark = each.trace?.shape.is === 'login' ? each.trace.shape.password : each.trace?.mark
    if (environment === undefined || mark === undefined || mark.weak || each.holder.is !== 'env-file') return []
    return [{ ...each, environment, id: mark.id }]
  })
  return [...Map.groupBy(placed, ({ id }) => id).values()].flatMap((all) => {
    const environments = [...new Set(all.map(({ environment }) => environment))]
    const [first] = all
    if (environments.length < 2 || first === undefined) return []
    return [{ seen: first.seen, what: `${first.key} has the same value in ${environments.join(' and ')}`, write: 'a value of its own for each environment' }]
  })
}

/** Secrets by name without a value: left empty, a placeholder, or asked for by code and kept nowhere here. By file and line. Pure. */
export function unsetOf({ sightings, mounts, reads }: Findings): readonly Unset[] {
  const ours = sightings.filter(({ seen }) => !describeEnvFile(seen.file).example)
  const kept = new Set([...ours.map(({ key }) => key), ...mounts.flatMap(({ variable, key }) => [variable, key])])
  const empty = ours.flatMap(({ key, seen, trace }): Unset[] => {
    const shape = trace?.shape.is
    return (shape === 'empty' || shape === 'placeholder') && classify(key).is !== 'no-secret' ? [{ key, seen, shape }] : []
  })
  const asked = reads.filter(({ key }) => !kept.has(key) && classify(key).is !== 'no-secret')
  const once = asked.filter(({ key }, index) => asked.findIndex((each) => each.key === key) === index)
  return [...empty, ...once].sort(bySeen)
}
