import { Document, isMap, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml'
import { recreateCommand } from './consumers.ts'
import { holderText, type Draft, type Proposal, type Reader } from './propose.ts'
import { placeOf } from './seen.ts'

const READERS_SHOWN = 3
/** Written where a person has to decide; nothing that would pass for an answer. */
const OPEN = '...'

export interface DraftOptions {
  /** Turns a path from the scanned folder into one from the folder of the manifest. */
  readonly from: (path: string) => string
  /** The issuers that there are, for what is not decided. */
  readonly issuers: readonly string[]
}

/**
 * The text of a manifest: what is decided as it is, the rest as comments to fill in. Holds names, places and forms, never a
 * value. Pure. With nothing decided it has no secret and is not valid.
 */
export function writeDraft(draft: Draft, options: DraftOptions): string {
  const secrets = Object.fromEntries(draft.decided.map((proposal) => [proposal.name, secretOf(proposal, options)]))
  const none = draft.decided.length === 0
  const document = new Document({ version: 1, system: draft.system, environment: draft.environment, secrets: none ? null : secrets })
  document.commentBefore = comment([
    'Written by `keyturn init`. It holds no values, and may be committed.',
    'Look at each entry, then at what stands below as comments: what could not be decided.',
  ])
  const top = document.contents
  if (isMap(top)) {
    commentOn(top, 'environment', [`${draft.environmentWhy}.`])
    commentOn(top, 'secrets', ['What holds for all of them, if you like: `defaults: { owner: platform, every: 90d }`'])
  }
  const map = document.get('secrets')
  if (isMap(map)) {
    for (const proposal of draft.decided) commentOn(map, proposal.name, aboutLines(proposal), proposal !== draft.decided[0])
    map.comment = comment(undecidedLines(draft, options)) || null
  }
  // Under an empty key there is no map to which comments could belong: they follow as text, ready to be uncommented in place.
  const rest = none ? undecidedLines(draft, options).map((line) => (line === '' ? '' : `  # ${line}`)) : []
  return [textOf(document).replace(/^secrets: null$/m, 'secrets:'), ...rest.slice(1).map((line) => `${line}\n`)].join('')
}

function textOf(document: Document): string {
  flow(document.contents)
  return document.toString({ lineWidth: 0 })
}

function secretOf(proposal: Proposal, { from }: DraftOptions): Readonly<Record<string, unknown>> {
  return {
    issuer: proposal.issuer ?? { use: OPEN },
    ...(proposal.impact === undefined ? {} : { impact: proposal.impact }),
    stores: proposal.stores.map(({ file, bind }) => (file === undefined ? { use: OPEN, bind } : { use: 'dotenv', file: from(file), bind })),
    ...(proposal.users.recreations.length === 0
      ? {}
      : {
          consumers: proposal.users.recreations.map((recreation) => ({
            use: 'command',
            run: recreateCommand(recreation),
            ...(from(recreation.project.folder) === '.' ? {} : { cwd: from(recreation.project.folder) }),
            services: recreation.services,
          })),
        }),
  }
}

/** Where it was found, who reads it, and what should be known. */
function aboutLines(proposal: Proposal): readonly string[] {
  const held = proposal.held.map((sighting) => `${sighting.key} (${placeOf(sighting.seen)}${sighting.holder.is === 'env-file' ? '' : `, ${holderText(sighting)}`})`)
  return [held.join(', '), ...readerLine(proposal.readers), ...proposal.notes.map((note) => `Note: ${note}.`)]
}

function readerLine(readers: readonly Reader[]): readonly string[] {
  if (readers.length === 0) return []
  const shown = readers.slice(0, READERS_SHOWN).map(({ who, seen }) => (who === 'code' ? placeOf(seen) : `${who} (${placeOf(seen)})`))
  const more = readers.length - shown.length
  return [`Read by ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`]
}

function undecidedLines(draft: Draft, options: DraftOptions): readonly string[] {
  if (draft.undecided.length === 0) return []
  return [
    '',
    'Not decided. Fill in what is open (`...`), take the `#` away and run `keyturn plan`.',
    `Issuers that there are: ${options.issuers.join(', ')}.`,
    ...draft.undecided.flatMap((proposal) => [
      '',
      ...aboutLines(proposal),
      ...proposal.why.map((why) => `Open: ${why}.`),
      ...textOf(new Document({ [proposal.name]: secretOf(proposal, options) })).trimEnd().split('\n'),
    ]),
  ]
}

/** Lines as the comment of a node, with one space behind each `#`. */
function comment(lines: readonly string[]): string {
  return lines.map((line) => (line === '' ? '' : ` ${line}`)).join('\n')
}

function commentOn(map: YAMLMap, key: string, lines: readonly string[], apart = false): void {
  const found: Pair | undefined = map.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
  if (found === undefined || !isScalar(found.key)) return
  found.key.commentBefore = comment(lines)
  found.key.spaceBefore = apart
}

/** Commands, lists of names and URL bindings stand on one line, as people write them. */
function flow(node: unknown): void {
  if (isSeq(node) && node.items.every(isScalar)) node.flow = true
  if (isMap(node)) {
    for (const pair of node.items) {
      if (isMap(pair.value) && isScalar(pair.key) && pair.value.has('url')) pair.value.flow = true
      else flow(pair.value)
    }
  } else if (isSeq(node)) {
    for (const item of node.items) flow(item)
  }
}
