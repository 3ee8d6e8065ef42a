import { type ByHand, type Entry, word } from '../../by-hand/index.ts'
import type { StoreConfig } from './manifest.ts'

/** Lines of an env file, read and written in the shell. What the file has beside them stays. */
export default {
  store: ({ file }: StoreConfig) => ({
    prepare: FUNCTIONS,
    read: (entries) => ({
      says: `Read ${entries.map(({ key }) => `\`${key}\``).join(', ')} from \`${file}\`.`,
      run: [...entries.map(({ key, variable }) => `${variable}=$(env_read ${pathOf(file)} ${word(key)})`), `${filled(entries)} && echo read`].join('\n'),
      prints: 'read',
    }),
    write: (entries, absent) => ({
      says: `Write ${entries.map(({ key }) => `\`${key}\``).join(', ')} to \`${file}\`: a new file beside it takes its place, so that no reader sees half of it. Other lines stay as they are${absent.length === 0 ? '' : `; ${absent.map((key) => `\`${key}\``).join(', ')} ${absent.length === 1 ? 'goes' : 'go'}`}. Then read it again.`,
      run: [
        ...entries.map(({ key, variable }) => `env_write ${pathOf(file)} ${word(key)} "$${variable}"`),
        ...absent.map((key) => `env_drop ${pathOf(file)} ${word(key)}`),
        `if ${entries.map(({ key, variable }) => `[ "$(env_read ${pathOf(file)} ${word(key)})" = "$${variable}" ]`).join(' && ')}; then echo written; fi`,
      ].join('\n'),
      prints: 'written',
    }),
  }),
} satisfies ByHand

/** The value goes by the environment of awk, which only its owner can read. In single quotes every reader takes it as it is. */
const FUNCTIONS = `env_read() { # FILE KEY
  local value
  value=$(KEY=$2 awk '{ line = $0; sub(/^[ \\t]*(export[ \\t]+)?/, "", line) } index(line, ENVIRON["KEY"] "=") == 1 { found = substr(line, length(ENVIRON["KEY"]) + 2) } END { print found }' "$1")
  case $value in \\"*\\") value=\${value#\\"} value=\${value%\\"} ;; \\'*\\') value=\${value#\\'} value=\${value%\\'} ;; *) value=\${value%%[[:space:]]#*} value=\${value%"\${value##*[![:space:]]}"} ;; esac
  printf %s "$value"
}
env_write() { # FILE KEY VALUE: refuses what not every reader of env files would read again
  local file new value=$3
  case $value in *\\'* | *$'\\n'*) echo 'this value has a quote or a line end in it: use an editor'; return 1 ;; *[!A-Za-z0-9_.:/@%+,=?~-]*) value="'$value'" ;; esac
  file=$(readlink -f -- "$1") && new=$file.by-hand && cp -p -- "$file" "$new" &&
    KEY=$2 VALUE=$value awk '{ line = $0; sub(/^[ \\t]*(export[ \\t]+)?/, "", line) } index(line, ENVIRON["KEY"] "=") == 1 { $0 = substr($0, 1, length($0) - length(line)) ENVIRON["KEY"] "=" ENVIRON["VALUE"]; seen = 1 } { print } END { if (!seen) print ENVIRON["KEY"] "=" ENVIRON["VALUE"] }' "$file" > "$new" && mv -- "$new" "$file"
}
env_drop() { # FILE KEY
  local file new
  file=$(readlink -f -- "$1") && new=$file.by-hand && cp -p -- "$file" "$new" &&
    KEY=$2 awk '{ line = $0; sub(/^[ \\t]*(export[ \\t]+)?/, "", line) } index(line, ENVIRON["KEY"] "=") == 1 { next } { print }' "$file" > "$new" && mv -- "$new" "$file"
}`

function filled(entries: readonly Entry[]): string {
  return entries.map(({ variable }) => `[ -n "$${variable}" ]`).join(' && ')
}

/** A leading `~/` is the home folder, also within quotes. */
function pathOf(file: string): string {
  return file.startsWith('~/') ? `"$HOME"/${word(file.slice(2))}` : word(file)
}
