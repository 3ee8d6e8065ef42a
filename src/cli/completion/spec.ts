import { type CommandEntry, optionsOf } from '../command.ts'
import { COMMANDS } from '../commands.ts'

/** What can stand at a place of the command line. */
export type Kind =
  | { readonly is: 'words'; readonly words: readonly string[] }
  /** `secrets` is several of them with commas between; `rotations` are those that are open, which their secret names as well. */
  | { readonly is: 'secret' | 'secrets' | 'rotation' | 'file' | 'command' | 'text' }

export interface OptionSpec {
  /** `-f`, `--manifest`. */
  readonly flags: readonly string[]
  readonly says: string
  /** What its value is; absent when it takes none. */
  readonly value?: Kind
  /** It may be given more than once. */
  readonly repeats: boolean
}

/** A command as a completion script knows it. */
export interface VerbSpec {
  readonly name: string
  readonly says: string
  /** What stands at each place after it. */
  readonly places: readonly Kind[]
  readonly options: readonly OptionSpec[]
}

/** Every command that a person types, from the table. */
export function verbSpecs(entries: readonly CommandEntry[] = COMMANDS): VerbSpec[] {
  const help: VerbSpec = { name: 'help', says: 'show the words that a command takes', places: [{ is: 'words', words: namesOf(entries) }], options: [] }
  return [...entries.filter((entry) => entry.hidden !== true).map(verbSpec), help]
}

function namesOf(entries: readonly CommandEntry[]): string[] {
  return entries.filter((entry) => entry.hidden !== true).map(({ words }) => words.split(' ')[0] ?? '')
}

function verbSpec(entry: CommandEntry): VerbSpec {
  const [name = '', ...places] = entry.words.split(' ')
  const options = optionsOf(entry).map(([flags, says]): OptionSpec => {
    const value = /[<[](.+)[>\]]/.exec(flags)?.[1]
    return { flags: flags.replace(/\s*[<[].*$/, '').split(/,\s*/), says, repeats: value?.endsWith('...') === true, ...(value === undefined ? {} : { value: kindOf(value) }) }
  })
  return { name, says: entry.says, places: places.map((place) => kindOf(place.slice(1, -1))), options }
}

const FILES: ReadonlySet<string> = new Set(['file', 'files', 'folder', 'dir'])

/** By the name that the table gives it: `secret`, `file`, `verify|export`. */
function kindOf(name: string): Kind {
  const bare = name.replace(/\.\.\.$/, '')
  if (bare.includes('|')) return { is: 'words', words: bare.split('|') }
  if (bare === 'secret' || bare === 'secrets' || bare === 'rotation' || bare === 'command') return { is: bare }
  return { is: FILES.has(bare) ? 'file' : 'text' }
}
