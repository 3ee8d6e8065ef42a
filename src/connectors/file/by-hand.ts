import { type ByHand, type Entry, type StoreByHand, word } from '../../by-hand/index.ts'
import type { StoreConfig } from './manifest.ts'
import { namesOf } from './pointer.ts'

/** A file that is one value, and strings in a JSON document. The parts of PEM and `.creds` files are left to an editor. */
export default {
  store: (config: StoreConfig): StoreByHand | undefined => {
    if (config.format === 'pem' || config.format === 'creds') return undefined
    const path = config.file.startsWith('~/') ? `"$HOME"/${word(config.file.slice(2))}` : word(config.file)
    const [read, write] = config.format === 'json' ? [jsonRead, jsonWrite] : [wholeRead, wholeWrite]
    const named = (entries: readonly Entry[]): string => entries.map(({ key }) => `\`${key}\``).join(', ')
    return {
      tools: config.format === 'json' ? ['jq'] : [],
      prepare: place(config.write === 'in-place'),
      read: (entries) => ({
        says: `Read ${named(entries)} from \`${config.file}\`.`,
        run: [...entries.map(({ key, variable }) => `${variable}=$(${read(path, key)})`), `${entries.map(({ variable }) => `[ -n "$${variable}" ]`).join(' && ')} && echo read`].join('\n'),
        prints: 'read',
      }),
      write: (entries, absent) => ({
        says: `Write ${named(entries)} to \`${config.file}\`${config.format === 'json' ? '; jq writes the document anew, in its own layout' : ''}. Then read it again.`,
        run: [
          ...entries.map(({ key, variable }) => write(path, putting(config.write === 'in-place'), key, variable)),
          ...absent.map((key) => `jq ${word(`delpaths([${pathOf(key)}])`)} ${path} | ${putting(config.write === 'in-place')} ${path}`),
          `if ${entries.map(({ key, variable }) => `[ "$(${read(path, key)})" = "$${variable}" ]`).join(' && ')}; then echo written; fi`,
        ].join('\n'),
        prints: 'written',
      }),
    }
  },
} satisfies ByHand

/** Takes what comes on its input to the place of the file, which keeps its mode: by a rename, or into the file itself. */
function place(inPlace: boolean): string {
  const arrive = inPlace ? 'cat -- "$new" > "$file" && rm -- "$new"' : 'mv -- "$new" "$file"'
  return `${putting(inPlace)}() { local file new; file=$(readlink -f -- "$1") && new=$file.by-hand && cp -p -- "$file" "$new" && cat > "$new" && [ -s "$new" ] && ${arrive}; }`
}

function wholeRead(path: string): string {
  return `cat -- ${path}`
}

/** Two ways of writing may be in one text. */
function putting(inPlace: boolean): string {
  return inPlace ? 'file_put_into' : 'file_put'
}

/** The line end at the end of the file is its own, and stays. */
function wholeWrite(path: string, put: string, _key: string, variable: string): string {
  return `{ printf %s "$${variable}"; [ -n "$(tail -c 1 -- ${path})" ] || echo; } | ${put} ${path}`
}

function jsonRead(path: string, key: string): string {
  return `jq -r ${word(`getpath(${pathOf(key)}) | strings`)} ${path}`
}

function jsonWrite(path: string, put: string, key: string, variable: string): string {
  return `VALUE=$${variable} jq ${word(`setpath(${pathOf(key)}; env.VALUE)`)} ${path} | ${put} ${path}`
}

function pathOf(key: string): string {
  return JSON.stringify((namesOf(key) ?? []).map((name) => (/^\d+$/.test(name) ? Number(name) : name)))
}
