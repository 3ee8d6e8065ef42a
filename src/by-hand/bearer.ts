import { word } from './shell.ts'

/**
 * Defines the function `NAME METHOD PATH [BODY]` of the shell: a request of an admin to a JSON API, whose answer it prints. `token` is one word
 * of the shell. Token and body go to curl in a configuration that it reads from a pipe: its command line holds neither. Pure.
 */
export function asAdmin(name: string, base: string, token: string): string {
  return [
    `${name}() { # METHOD PATH [BODY]`,
    `  { printf 'header = %s\\n' "$(json 'authorization: Bearer '${token})"; printf 'header = "content-type: application/json"\\n'; [ -z "\${3-}" ] || printf 'data-raw = %s\\n' "$(json "$3")"; } |`,
    `    curl -sS -m 30 -X "$1" -K - ${word(base)}/"$2"`,
    '}',
  ].join('\n')
}

/** Shows a bearer token, one word of the shell, at an address; prints `accepted` for 200, `rejected` for 401, and else the status. Pure. */
export function showBearer(url: string, token: string): string {
  return [
    `status=$(printf 'header = %s\\n' "$(json 'authorization: Bearer '${token})" | curl -sS -m 10 -o /dev/null -w '%{http_code}' -K - ${word(url)})`,
    `case $status in 200) echo accepted ;; 401) echo rejected ;; *) echo "status $status" ;; esac`,
  ].join('\n')
}
