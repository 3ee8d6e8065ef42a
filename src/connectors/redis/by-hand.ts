import { type Age, type ByHand, filled, type Instruction, type IssuerByHand, variable, word } from '../../by-hand/index.ts'
import type { IssuerConfig } from './manifest.ts'

/** The commands of Redis, on the input of redis-cli: its command line holds none of them. */
export default { issuer } satisfies ByHand

function issuer(config: IssuerConfig): IssuerByHand {
  const { user, companion = `${user}_alt`, strategy, length } = config
  const admin = filled(config.admin)
  const pair = strategy === 'alternate'
  return {
    tools: ['redis-cli'],
    asks: admin.asks,
    prepare: prepare(admin.word, config),
    propose: {
      says: pair ? `Tell which of the two users is in use: the other one is idle, and gets a new password of ${length} letters and digits. Run this once.` : `Make a new password of ${length} letters and digits. Run this once.`,
      run: [
        pair
          ? `case $OLD_USER in ${word(user)}) NEW_USER=${word(companion)} ;; ${word(companion)}) NEW_USER=${word(user)} ;; *) NEW_USER= ;; esac`
          : `OLD_USER=${word(user)} NEW_USER=${word(user)}`,
        `NEW_PASSWORD=$(LC_ALL=C tr -dc A-Za-z0-9 < /dev/urandom | head -c ${length})`,
        `if [ -n "$NEW_USER" ] && [ "\${#NEW_PASSWORD}" = ${length} ]; then echo made; else echo 'the store holds another user than these'; fi`,
      ].join('\n'),
      prints: 'made',
    },
    look: [
      { says: 'The admin is let in at every node, and sees the users.', run: `redis_sees() { redis_ask 'ACL LIST' | grep -q '^user ' && echo seen || echo "not at $RD_NODE"; }\nredis_each redis_sees | sort -u`, prints: 'seen' },
      { says: 'A wrong password is rejected. If it is let in, no login proves anything here: stop.', run: 'redis_each redis_login "$OLD_USER" "wrong-$RANDOM$RANDOM" | sort -u', prints: 'rejected' },
      ...(pair ? [{ ...uses('NEW'), says: 'Nobody is connected as the idle user. If somebody is, its password is in use: stop, and find out who.' }] : []),
    ],
    mint: (age) => [mint(config, companion, age)],
    probe: (age, verdict) => ({
      says: verdict === 'accepted' ? 'A fresh login is accepted at every node.' : 'A fresh login is rejected at every node, in the words of the server.',
      run: `redis_each redis_login "$${variable(age, 'user')}" "$${variable(age, 'password')}" | sort -u`,
      prints: verdict,
    }),
    ...(pair ? { uses } : {}),
    ...(strategy === 'in-place' ? {} : { set: (age, to) => [set(config, age, to)] }),
  }
}

/** Takes the URL apart in the shell, and names the nodes. */
function prepare(url: string, { nodes, ca, persist }: IssuerConfig): string {
  const tls = `case $url in rediss:*) RD_TLS=(--tls${ca === undefined ? '' : ` --cacert ${word(ca)}`}) ;; *) RD_TLS=() ;; esac`
  const places = nodes?.map(({ host, port }) => word(`${host}:${port}`)).join(' ') ?? '"$place"'
  return [
    `url=${url} rest=\${url#*://}`,
    'authority=${rest%%[/?#]*}',
    'login=${authority%@*} place=${authority##*@} RD_USER=$(decode "${login%%:*}") RD_SECRET=$(decode "${login#*:}")',
    'case $place in *:*) ;; *) place=$place:6379 ;; esac',
    'RD_USER=${RD_USER:-default}',
    tls,
    `RD_NODES=(${places})`,
    'unset url rest authority login place',
    'redis_each() { local node; for node in "${RD_NODES[@]}"; do RD_NODE=$node "$@"; done; }',
    'redis_at() { redis-cli --no-auth-warning "${RD_TLS[@]}" -h "${RD_NODE%:*}" -p "${RD_NODE##*:}" --user "$@"; }',
    `redis_ask() { printf '%s\\n' "$@" | REDISCLI_AUTH=$RD_SECRET redis_at "$RD_USER" 2>&1 | grep -v '^$'; }`,
    'redis_login() {',
    '  local said',
    `  said=$(printf 'PING\\n' | REDISCLI_AUTH=$2 redis_at "$1" 2>&1)`,
    `  case $said in *WRONGPASS*) echo rejected ;; PONG | *NOPERM*) echo accepted ;; *) printf '%s\\n' "$said" inconclusive ;; esac`,
    '}',
    persist === 'always'
      ? `redis_keep() { case $(redis_ask 'ACL SAVE') in OK) ;; *) [ "$(redis_ask 'CONFIG REWRITE')" = OK ] ;; esac; }`
      : 'redis_keep() { :; }',
    'redis_user() { local said; said=$(redis_ask "$@" | sort -u) && [ "$said" = OK ] && redis_keep && echo done; }',
    `redis_uses() { redis_ask 'CLIENT LIST' | awk -v user="user=$1" '{ for (at = 1; at <= NF; at += 1) if ($at == user) count += 1 } END { print count + 0 }'; }`,
  ].join('\n')
}

/** Every node by itself: users do not replicate. */
function mint({ user, strategy, persist }: IssuerConfig, companion: string, age: Age): Instruction {
  const [name, secret] = [variable(age, 'user'), variable(age, 'password')]
  const kept = persist === 'always' ? ' It is written to disk too.' : ''
  if (strategy === 'overlap') return { says: `Give the user this password beside those that it has, at every node.${kept}`, run: `redis_each redis_user "ACL SETUSER $${name} >$${secret}" | sort -u`, prints: 'done' }
  if (strategy === 'in-place') {
    const words = user === 'default' ? `CONFIG SET requirepass $${secret}` : `ACL SETUSER $${name} resetpass >$${secret}`
    return { says: `Replace the password, at every node.${kept} Replicas that log in at their primary as this user need \`CONFIG SET masterauth\` as well.`, run: `redis_each redis_user "${words}" | sort -u`, prints: 'done' }
  }
  return {
    says: `Give it its password and turn it on, at every node; \`${companion}\` gets the rights of \`${user}\` first.${kept}`,
    run: [
      'redis_equal() {',
      `  local rules=resetpass`,
      `  if [ "$${name}" = ${word(companion)} ]; then rules="reset $(redis_ask 'ACL LIST' | awk -v user=${word(user)} '$1 == "user" && $2 == user { for (at = 3; at <= NF; at += 1) if ($at !~ /^(on|off|nopass|#.*)$/) printf "%s ", $at }')"; fi`,
      `  redis_user "ACL SETUSER $${name} $rules >$${secret} on"`,
      '}',
      'redis_each redis_equal | sort -u',
    ].join('\n'),
    prints: 'done',
  }
}

function uses(age: Age): Instruction {
  return { says: 'How many connections it has now, all nodes together.', run: `redis_each redis_uses "$${variable(age, 'user')}" | awk '{ all += $1 } END { print all + 0 }'`, prints: '0' }
}

function set({ strategy }: IssuerConfig, age: Age, to: 'on' | 'off' | 'gone'): Instruction {
  const name = variable(age, 'user')
  const ask = (words: string): string => `redis_each redis_user "${words}" | sort -u`
  if (strategy === 'overlap') return { says: 'Take this one password away, at every node.', run: ask(`ACL SETUSER $${name} <$${variable(age, 'password')}`), prints: 'done' }
  if (to === 'on') return { says: 'It may log in again.', run: ask(`ACL SETUSER $${name} on`), prints: 'done' }
  return {
    says: to === 'off' ? 'It may not log in any more, and its connections are ended.' : 'It has no password any more. The user stays: it is the idle one of the pair from now on.',
    run: `${ask(`ACL SETUSER $${name} ${to === 'off' ? 'off' : 'off resetpass'}`)}\nredis_each redis_ask "CLIENT KILL USER $${name}" > /dev/null\necho ${to}`,
    prints: to,
  }
}
