import type { Kind, VerbSpec } from './spec.ts'

/** What the shell does to offer a kind; `text` is anything, so nothing is offered. */
function offer(kind: Kind): string {
  switch (kind.is) {
    case 'words':
      return `_keyturn_words '${kind.words.join(' ')}'`
    case 'secret':
      return '_keyturn_words "$(_keyturn_look secrets)"'
    case 'secrets':
      return '_keyturn_list "$(_keyturn_look secrets)"'
    case 'rotation':
      return '_keyturn_words "$(_keyturn_look rotations)"'
    case 'file':
      return '_keyturn_files'
    case 'command':
      // What follows the sign is dealt with before it comes to places.
      return '_keyturn_words --'
    case 'text':
      return ':'
  }
}

function cases(rows: readonly (readonly [pattern: string, does: string])[]): string {
  return rows.map(([pattern, does]) => `    ${pattern}) ${does} ;;`).join('\n')
}

/** The script for bash 3.2 and newer; needs no package beside it. Pure. */
export function bashScript(verbs: readonly VerbSpec[]): string {
  const values = verbs.flatMap(({ name, options }) => options.flatMap(({ flags, value }) => (value === undefined ? [] : [[flags.map((flag) => `${name}:${flag}`).join('|'), offer(value)] as const])))
  const places = verbs.flatMap(({ name, places: kinds }) => kinds.map((kind, at) => [`${name}:${at}`, offer(kind)] as const))
  const flags = verbs.map(({ name, options }) => [name, `_keyturn_words '${[...options.flatMap((option) => option.flags), '--help'].join(' ')}'`] as const)
  return `# Completion of keyturn for bash. Load it with
#   eval "$(keyturn completion bash)"
# in ~/.bashrc, or write it to a file that is read there.

_keyturn_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }

# The last one of a list with commas.
_keyturn_list() {
  local before=''
  case $cur in *,*) before=\${cur%,*}, ;; esac
  COMPREPLY=($(compgen -P "$before" -W "$1" -- "\${cur##*,}"))
}

_keyturn_files() {
  if type compopt >/dev/null 2>&1; then compopt -o default; else COMPREPLY=($(compgen -f -- "$cur")); fi
}

# Asks keyturn itself what there is; nothing when it does not know.
_keyturn_look() {
  if [ -n "$manifest" ]; then "$keyturn" __complete "$1" --manifest "$manifest" 2>/dev/null; else "$keyturn" __complete "$1" 2>/dev/null; fi
}

# Of the option $2 of the command $1: offers its values, or answers 1 when it takes none.
_keyturn_value() {
  case $1:$2 in
${cases(values)}
    *) return 1 ;;
  esac
}

_keyturn_takes_value() {
  case $1:$2 in
    ${values.map(([pattern]) => pattern).join('|')}) return 0 ;;
    *) return 1 ;;
  esac
}

_keyturn_flags() {
  case $1 in
${cases(flags)}
  esac
}

_keyturn_place() {
  case $1:$2 in
${cases(places)}
  esac
}

_keyturn() {
  local keyturn=$1 cur=\${COMP_WORDS[COMP_CWORD]} verb=\${COMP_WORDS[1]} manifest='' option='' place=0 at word
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _keyturn_words '${verbs.map(({ name }) => name).join(' ')} --help --version'
    return
  fi
  for ((at = 2; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    # bash takes --option=value apart at the sign.
    if [ "$word" = = ] && [ -n "$option" ]; then continue; fi
    if [ -n "$option" ]; then
      case $option in -f|--manifest) manifest=$word ;; esac
      option=''
    elif [ "$word" = -- ]; then
      # What follows belongs to another command.
      if [ $((at + 1)) -eq "$COMP_CWORD" ]; then COMPREPLY=($(compgen -c -- "$cur")); else _keyturn_files; fi
      return
    elif _keyturn_takes_value "$verb" "$word"; then
      option=$word
    else
      case $word in -*) ;; *) place=$((place + 1)) ;; esac
    fi
  done
  if [ "$cur" = = ]; then cur=''; fi
  if [ -n "$option" ]; then
    _keyturn_value "$verb" "$option"
  else
    case $cur in
      -*) _keyturn_flags "$verb" ;;
      *) _keyturn_place "$verb" "$place" ;;
    esac
  fi
}

complete -F _keyturn keyturn
`
}
