import type { Kind, OptionSpec, VerbSpec } from './spec.ts'

/** In single quotes: fish reads only \\ and ' specially there. */
function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`
}

/** The arguments of `complete` that offer a kind. */
function offer(kind: Kind): string {
  switch (kind.is) {
    case 'words':
      return `-a ${quote(kind.words.join(' '))}`
    case 'secret':
      return `-a ${quote('(__keyturn_look secrets)')}`
    case 'secrets':
      return `-a ${quote('(__keyturn_list)')}`
    case 'rotation':
      return `-a ${quote('(__keyturn_look rotations)')}`
    case 'file':
      return '-F'
    case 'command':
      return `-a ${quote('(__keyturn_command)')}`
    case 'text':
      return ''
  }
}

function option(verb: string, { flags, says, value }: OptionSpec): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
  const takes = value === undefined ? [] : ['-r', offer(value)]
  return ['complete -c keyturn', `-n ${quote(`__keyturn_in ${verb}`)}`, ...names, ...takes, `-d ${quote(says)}`].filter((part) => part !== '').join(' ')
}

function place(verb: string, kind: Kind, at: number): string[] {
  const offered = offer(kind)
  // A command has as many words as it likes.
  const here = kind.is === 'command' ? `__keyturn_in ${verb}` : `__keyturn_at ${verb} ${at}`
  return offered === '' ? [] : [`complete -c keyturn -n ${quote(here)} ${offered}`]
}

/** The script for fish 3 and newer. Pure. */
export function fishScript(verbs: readonly VerbSpec[]): string {
  const taking = new Set(verbs.flatMap(({ options }) => options.flatMap(({ flags, value }) => (value === undefined ? [] : flags))))
  return `# Completion of keyturn for fish. Load it with
#   keyturn completion fish | source
# in ~/.config/fish/config.fish, or write it to ~/.config/fish/completions/keyturn.fish.

# The words before the cursor that are neither options nor their values, the command first; after -- nothing counts.
function __keyturn_places
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
        else if contains -- $word ${[...taking].join(' ')}
            set skip yes
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

function __keyturn_in
    set -l places (__keyturn_places)
    test "$places[1]" = $argv[1]
end

# Whether the place $argv[2], counted from 0, of the command $argv[1] is at hand.
function __keyturn_at
    set -l places (__keyturn_places)
    test "$places[1]" = $argv[1]; and test (count $places) -eq (math $argv[2] + 1)
end

# Asks keyturn itself what there is; nothing when it does not know.
function __keyturn_look
    set -l words (commandline -opc)
    set -l manifest
    for at in (seq (count $words))
        if contains -- $words[$at] -f --manifest; and test $at -lt (count $words)
            set manifest --manifest $words[(math $at + 1)]
        end
    end
    command keyturn __complete $argv[1] $manifest 2>/dev/null
end

# The last one of a list with commas.
function __keyturn_list
    set -l before (string match -r -- '^.*,' (commandline -ct))
    for secret in (__keyturn_look secrets)
        echo $before$secret
    end
end

# What another command offers after --; the sign itself before.
function __keyturn_command
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    or begin
        printf '%s\\n' --
        return
    end
    complete -C (string join ' ' -- (string escape -- $words[(math $at + 1)..-1]) (commandline -ct))
end

complete -c keyturn -f
complete -c keyturn -n 'test (count (__keyturn_places)) -eq 0' -l version -d 'print the version'
complete -c keyturn -l help -d 'show the words that it takes'
${verbs.map(({ name, says }) => `complete -c keyturn -n 'test (count (__keyturn_places)) -eq 0' -a ${name} -d ${quote(says)}`).join('\n')}
${verbs.flatMap(({ name, options }) => options.map((each) => option(name, each))).join('\n')}
${verbs.flatMap(({ name, places }) => places.flatMap((kind, at) => place(name, kind, at))).join('\n')}
`
}
