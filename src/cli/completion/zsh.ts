import type { Kind, OptionSpec, VerbSpec } from './spec.ts'

/** What `_arguments` does to offer a kind. */
function action(kind: Kind): string {
  switch (kind.is) {
    case 'words':
      return `word:(${kind.words.join(' ')})`
    case 'secret':
      return 'secret:_keyturn_secrets'
    case 'secrets':
      return 'secrets:_keyturn_secret_list'
    case 'rotation':
      return 'rotation:_keyturn_rotations'
    case 'file':
      return 'file:_files'
    case 'command':
      return 'command: _command_names -e'
    case 'text':
      return 'value: '
  }
}

/** In single quotes, as one word of the shell. */
function quote(text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`
}

/** What `_arguments` and `_describe` read specially is escaped. */
function escape(text: string): string {
  return text.replaceAll(/[\\:[\]]/g, '\\$&')
}

function option({ flags, says, value, repeats }: OptionSpec): string[] {
  // Either form excludes the other.
  const exclude = repeats ? '*' : flags.length > 1 ? `(${flags.join(' ')})` : ''
  return flags.map((flag) => quote(`${exclude}${flag}[${escape(says)}]${value === undefined ? '' : `:${action(value)}`}`))
}

function argumentsOf({ places, options }: VerbSpec): string {
  // What follows the name of another command is that command's.
  const positions = places.flatMap((kind, at) => (kind.is === 'command' ? [quote(`(-)${at + 1}:${action(kind)}`), quote('*::argument:_normal')] : [quote(`${at + 1}:${action(kind)}`)]))
  const lines = [...options.flatMap(option), quote('--help[show the words that it takes]'), ...positions]
  return `_arguments -S ${lines.map((line) => `\\\n        ${line}`).join(' ')}`
}

/** The script for zsh with its completion system (compinit), to be sourced or put on the fpath as `_keyturn`. Pure. */
export function zshScript(verbs: readonly VerbSpec[]): string {
  return `#compdef keyturn
# Completion of keyturn for zsh. Load it with
#   source <(keyturn completion zsh)
# after compinit in ~/.zshrc, or write it to a file _keyturn on the fpath.

# Asks keyturn itself what there is; nothing when it does not know.
_keyturn_look() {
  local manifest="\${opt_args[-f]:-\${opt_args[--manifest]}}"
  if [ -n "$manifest" ]; then keyturn __complete "$1" --manifest "$manifest" 2>/dev/null; else keyturn __complete "$1" 2>/dev/null; fi
}

_keyturn_offer() {
  local IFS=$'\\n' what=$1
  local -a found
  shift
  found=($(_keyturn_look $what))
  compadd "$@" -- "\${found[@]}"
}

_keyturn_secrets() {
  _keyturn_offer secrets "$@"
}

_keyturn_secret_list() {
  _sequence _keyturn_secrets
}

_keyturn_rotations() {
  _keyturn_offer rotations "$@"
}

_keyturn_verbs() {
  local -a verbs
  verbs=(
${verbs.map(({ name, says }) => `    ${quote(`${name}:${escape(says)}`)}`).join('\n')}
  )
  _describe -t commands 'keyturn command' verbs
}

_keyturn() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C '--help[show the commands]' '--version[print the version]' '1: :_keyturn_verbs' '*:: :->rest'
  if [ "$state" != rest ]; then return; fi
  case "\${words[1]}" in
${verbs.map((verb) => `    ${verb.name})\n      ${argumentsOf(verb)}\n      ;;`).join('\n')}
  esac
}

# On the fpath the file is the function's body; sourced, it registers itself.
if [ "\${funcstack[1]}" = _keyturn ]; then _keyturn "$@"; else compdef _keyturn keyturn; fi
`
}
