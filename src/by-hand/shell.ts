import type { Age, Asked } from './contract.ts'

/** A text as one word of the shell, exactly as it is. Pure. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** The words of a command, one line. Pure. */
export function words(argv: readonly string[]): string {
  return argv.map(word).join(' ')
}

/** The name of the variable that holds a field: `NEW_PASSWORD`. Pure. */
export function variable(age: Age, field: string): string {
  return `${age}_${nameOf(field)}`
}

/** The name of the variable that holds what stands under a key of the n-th store, from 0: `OLD_S1_DATABASE_URL`. Pure. */
export function entryVariable(age: Age, store: number, key: string): string {
  return `${age}_S${store + 1}_${nameOf(key)}`
}

/** As part of the name of a variable. */
function nameOf(text: string): string {
  return text.replaceAll(/\W/g, '_').toUpperCase()
}

/**
 * A text that may hold references, as one word of the shell: for each a variable stands there that the person is asked for, since only
 * they can read it. Pure.
 */
export function filled(text: string): { readonly word: string; readonly asks: readonly Asked[] } {
  const asks: Asked[] = []
  const parts = text.split(/(\$\{[\w-]+:[^{}]+\})/).filter((part) => part !== '')
  const said = parts.map((part) => {
    const [, scheme = '', name = ''] = /^\$\{([\w-]+):([^{}]+)\}$/.exec(part) ?? []
    if (scheme === '') return word(part)
    const into = scheme === 'env' ? name : `GIVEN_${nameOf(scheme)}_${nameOf(name)}`
    asks.push({ variable: into, says: scheme === 'env' ? `what the variable ${name} holds` : `what \${${scheme}:${name}} stands for` })
    return `"$${into}"`
  })
  return { word: said.join('') || "''", asks }
}

/** Variables for one command, as they stand before it: what keyturn hands over in its environment. Pure. */
export function environment(env: Readonly<Record<string, string>> | undefined): { readonly words: string; readonly asks: readonly Asked[] } {
  const each = Object.entries(env ?? {}).map(([name, text]) => ({ name, ...filled(text) }))
  return { words: each.map((one) => `${one.name}=${one.word} `).join(''), asks: each.flatMap(({ asks }) => asks) }
}

/**
 * What every runbook defines first. All of it is bash itself, so that nothing shows up among the processes. `encode` and `decode` are for
 * what stands inside of a URL, `json` quotes a text, `within SECONDS COMMAND` tries until it succeeds.
 */
export const FUNCTIONS = String.raw`encode() { local text=$1 made= c i; for ((i = 0; i < $${'{'}#text}; i++)); do c=$${'{'}text:i:1}; case $c in [A-Za-z0-9._~-]) made+=$c ;; *) printf -v c '%%%02X' "'$c"; made+=$c ;; esac; done; printf %s "$made"; }
decode() { local text=$${'{'}1//\\/\\\\}; printf %b "$${'{'}text//%/\\x}"; }
json() { local text=$${'{'}1//\\/\\\\}; printf '"%s"' "$${'{'}text//\"/\\\"}"; }
within() { local end=$((SECONDS + $1)); shift; until "$@"; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 1; done; }`
