import type { Unread } from '../scan/findings.ts'
import type { Mend, Unset } from '../scan/problems.ts'
import type { Draft, Proposal } from '../scan/propose.ts'
import { placeOf, type Seen } from '../scan/seen.ts'
import type { Paint } from './paint.ts'

/** What `init` found and did. */
export interface Initiated {
  /** The manifest, as the caller may name it. */
  readonly file: string
  readonly written: boolean
  readonly draft: Draft
  readonly mend: readonly Mend[]
  readonly unset: readonly Unset[]
  readonly unread: readonly Unread[]
  /** Present with `--dry-run`. */
  readonly manifest?: string
}

/** The document of `init --json`. Holds names, places and forms, never a value. */
export function initDocument({ draft, ...rest }: Initiated): Readonly<Record<string, unknown>> {
  const { file, written, mend, unset, unread, manifest } = rest
  return {
    file,
    written,
    system: draft.system,
    environment: draft.environment,
    secrets: draft.decided.map(proposalDocument),
    undecided: draft.undecided.map(proposalDocument),
    problems: mend.map(({ seen, what, write }) => ({ place: seen, what, write })),
    unset: unset.map(({ key, seen, shape }) => ({ key, place: seen, ...(shape === undefined ? {} : { is: shape }) })),
    otherEnvironments: draft.elsewhere,
    unread,
    ...(manifest === undefined ? {} : { manifest }),
  }
}

function proposalDocument(proposal: Proposal): Readonly<Record<string, unknown>> {
  return {
    name: proposal.name,
    ...(proposal.issuer === undefined ? {} : { issuer: proposal.issuer }),
    keys: proposal.held.map(({ key, seen, holder }) => ({ key, place: seen, holder })),
    readers: proposal.readers.map(({ who, seen }) => ({ who, place: seen })),
    services: proposal.users.recreations.flatMap(({ services }) => services),
    open: proposal.why,
    notes: proposal.notes,
  }
}

/** For people: what was decided, what was not and why, what to mend, what was not read, and what to do next. */
export function initLines(found: Initiated, paint: Paint): string[] {
  const { draft, mend, unset, unread } = found
  const about = `${found.file} for ${draft.system} (${draft.environment})`
  const commented = found.written || found.manifest !== undefined ? ': comments in the manifest' : ''
  const count = `${draft.decided.length} decided, ${draft.undecided.length} not decided`
  return [
    found.written ? paint.good(`Wrote ${about}: ${count}.`) : `${about}: ${count}. Nothing was written.`,
    paint.dim(`${draft.environmentWhy}.`),
    ...part('Decided', draft.decided.flatMap((each) => decidedLines(each, paint)), paint),
    ...part(`Not decided${commented}`, draft.undecided.flatMap((each) => undecidedLines(each, paint)), paint),
    ...part('To mend', mend.map(({ seen, what, write }) => `${placeOf(seen)}  ${paint.bad(what)}; write ${write}`), paint),
    ...part('Without a value here', unset.map((each) => `${placeOf(each.seen)}  ${each.key}: ${unsetText(each)}`), paint),
    ...part('Of other environments', draft.elsewhere.map(elsewhereText), paint),
    ...part('Not read', unread.map(({ file, line, why }) => `${line === undefined ? file : placeOf({ file, line })}  ${why}`), paint),
    '',
    ...nextLines(found),
  ]
}

function part(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : ['', paint.strong(title), ...lines.map((line) => `  ${line}`)]
}

function decidedLines({ name, issuer, held, users, notes }: Proposal, paint: Paint): readonly string[] {
  const services = users.recreations.flatMap((each) => each.services)
  return [
    `${name}  ${String(issuer?.['use'])}; ${keysText(held)}${services.length === 0 ? '' : `; recreates ${services.join(', ')}`}`,
    ...notes.map((note) => `  ${paint.warn(note)}`),
  ]
}

function undecidedLines({ name, held, why, notes }: Proposal, paint: Paint): readonly string[] {
  return [`${name}  ${keysText(held)}`, ...why.map((each) => `  ${each}`), ...notes.map((note) => `  ${paint.dim(note)}`)]
}

function keysText(held: readonly { readonly key: string; readonly seen: Seen }[]): string {
  return held.map(({ key, seen }) => `${key} (${placeOf(seen)})`).join(', ')
}

function elsewhereText({ file, environment, keys }: Draft['elsewhere'][number]): string {
  return `${file}  ${keys} of ${environment}: \`keyturn init --environment ${environment} --out ${environment}.yaml\``
}

function unsetText({ shape }: Unset): string {
  if (shape === undefined) return 'code asks for it, and it is kept nowhere here'
  return shape === 'empty' ? 'empty' : 'a placeholder'
}

function nextLines({ draft, written, file, manifest }: Initiated): string[] {
  if (draft.decided.length === 0) {
    const look = manifest === undefined ? ['`keyturn init --dry-run` prints the entries to fill in.'] : []
    return ['Nothing is certain enough to be written, and a manifest needs one secret at least.', ...look]
  }
  const admins = [...new Set(draft.decided.flatMap(({ issuer }) => /\$\{env:(\w+)\}/.exec(String(issuer?.['admin']))?.[1] ?? []))]
  const consumed = draft.decided.some(({ users }) => users.recreations.length > 0)
  return [
    ...(consumed ? ['Nothing proves yet that a service holds the new value: give its consumer an `attest` (docs/manifest.md), or the gate has only usage to go by.'] : []),
    ...(admins.length === 0 ? [] : [`Set ${admins.join(' and ')} to the URL of an admin in the environment of keyturn.`]),
    ...(written ? [`Then: keyturn plan --manifest ${file}`] : []),
  ]
}
