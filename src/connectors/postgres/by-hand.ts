import { type Age, type ByHand, filled, type Instruction, type IssuerByHand, variable, word } from '../../by-hand/index.ts'
import { equaliseByHand } from './by-hand-companion.ts'
import type { IssuerConfig } from './manifest.ts'
import { pairOf } from './pair.ts'

/** The ways by hand of a pair of roles and of one role; dated ones are left to keyturn, who drops them in every database. */
export default {
  issuer: (config: IssuerConfig) => (config.strategy === 'overlap' ? undefined : issuer(config)),
} satisfies ByHand

function issuer(config: IssuerConfig): IssuerByHand {
  const { role, strategy } = config
  const admin = filled(config.admin)
  const { companion } = pairOf(config)
  const pair = strategy === 'alternate'
  return {
    tools: ['psql'],
    asks: admin.asks,
    prepare: prepare(admin.word, config.database),
    propose: {
      says: pair
        ? `Tell which of the two roles is in use: the other one is idle, and gets a new password of ${config.length} letters and digits. Run this once.`
        : `Make a new password of ${config.length} letters and digits. Run this once.`,
      run: [
        ...(pair
          ? [`case $OLD_USER in ${word(role)}) NEW_USER=${word(companion)} ;; ${word(companion)}) NEW_USER=${word(role)} ;; *) NEW_USER= ;; esac`]
          : [`OLD_USER=${word(role)} NEW_USER=${word(role)}`]),
        `NEW_PASSWORD=$(LC_ALL=C tr -dc A-Za-z0-9 < /dev/urandom | head -c ${config.length})`,
        `if [ -n "$NEW_USER" ] && [ "\${#NEW_PASSWORD}" = ${config.length} ]; then echo made; else echo 'the store holds another role than these'; fi`,
      ].join('\n'),
      prints: 'made',
    },
    look: [
      {
        says: 'The admin is let in and may change roles.',
        run: `pg_admin -c "select case when rolsuper or rolcreaterole then 'may' else 'may not' end from pg_roles where rolname = current_user"`,
        prints: 'may',
      },
      {
        says: 'A wrong password is rejected. If it is let in (a `trust` line in pg_hba.conf), no login proves anything here: stop.',
        run: logins(config, '"$OLD_USER"', '"wrong-$RANDOM$RANDOM"'),
        prints: 'rejected',
      },
      ...(pair ? [{ ...uses('NEW'), says: 'Nobody is logged in as the idle role. If somebody is, its password is in use: stop, and find out who.' }] : []),
    ],
    mint: (age) => [...(pair && age === 'NEW' ? [{ ...equaliseByHand(role, companion), says: `If it is the turn of \`${companion}\`: make it an equal of \`${role}\`, and create it where it does not exist.` }] : []), password(age, pair)],
    probe: (age, verdict) => ({
      says: verdict === 'accepted' ? 'A fresh login is accepted at every endpoint.' : 'A fresh login is rejected at every endpoint, in the words of the server.',
      run: logins(config, `"$${variable(age, 'user')}"`, `"$${variable(age, 'password')}"`),
      prints: verdict,
    }),
    uses,
    ...(pair ? { set } : {}),
  }
}

/** Takes the URL apart in the shell: as an argument of psql everybody could read its password. */
function prepare(url: string, database: string | undefined): string {
  return [
    `url=${url} rest=\${url#*://}`,
    'authority=${rest%%[/?#]*} rest=${rest#"${rest%%[/?#]*}"}',
    'login=${authority%@*} place=${authority##*@} rest=${rest#/}',
    'case $place in *:*) PG_PORT=${place##*:} ;; *) PG_PORT=5432 ;; esac',
    'PG_HOST=${place%:*} PG_USER=$(decode "${login%%:*}") PG_SECRET=$(decode "${login#*:}") PG_BASE=$(decode "${rest%%\\?*}")',
    'case $url in *sslmode=*) PG_MODE=${url##*sslmode=} PG_MODE=${PG_MODE%%&*} ;; *) PG_MODE=prefer ;; esac',
    'unset url authority login place rest',
    'as_admin() { PGHOST=$PG_HOST PGPORT=$PG_PORT PGUSER=$PG_USER PGPASSWORD=$PG_SECRET PGDATABASE=$PG_BASE PGSSLMODE=$PG_MODE "$@"; }',
    'pg_admin() { as_admin psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }',
    'pg_login() {',
    '  local said',
    `  if said=$(PGHOST=$1 PGPORT=$2 PGUSER=$3 PGPASSWORD=$4 PGDATABASE=${database === undefined ? '$PG_BASE' : word(database)} PGSSLMODE=$PG_MODE PGCONNECT_TIMEOUT=10 psql -X -w -A -t -c 'select 1' 2>&1); then echo accepted`,
    `  else case $said in *'password authentication failed'* | *'is not permitted to log in'*) echo rejected ;; *) printf '%s\\n' "$said" inconclusive ;; esac; fi`,
    '}',
  ].join('\n')
}

/** One fresh login at each endpoint; the verdict once, when all of them gave the same. */
function logins({ endpoints }: IssuerConfig, user: string, secret: string): string {
  const places = endpoints?.map(({ host, port }) => `${word(host)} ${port}`) ?? ['"$PG_HOST" "$PG_PORT"']
  const each = places.map((place) => `pg_login ${place} ${user} ${secret}`)
  return each.length === 1 ? each.join('') : `{ ${each.join('; ')}; } | sort -u`
}

/** `\password` has psql compute the verifier: the password reaches neither the server nor its log. Without a terminal it reads its input. */
function password(age: Age, pair: boolean): Instruction {
  const [user, secret] = [variable(age, 'user'), variable(age, 'password')]
  return {
    says: 'Set the password. psql sends a verifier, so that neither the connection nor the log of the server sees it; `setsid -w` has it read from the pipe in place of the terminal. A second run does no harm.',
    run: [
      `if printf '%s\\n' "$${secret}" "$${secret}" | as_admin setsid -w psql -X -q -v ON_ERROR_STOP=1 -c "\\\\password \\"$${user}\\""; then`,
      ...(pair ? [onRole(age, 'alter role :"role" login;')] : []),
      'echo set',
      'fi',
    ].join('\n'),
    prints: 'set',
  }
}

function uses(age: Age): Instruction {
  return {
    says: 'How many sessions it has now, all databases together.',
    run: onRole(age, "select count(*) from pg_stat_activity where usename = :'role';"),
    prints: '0',
  }
}

function set(age: Age, to: 'on' | 'off' | 'gone'): readonly Instruction[] {
  if (to === 'on') return [{ says: 'It may log in again.', run: onRole(age, 'alter role :"role" login;') }]
  const words = to === 'off' ? 'nologin' : 'nologin password null'
  return [
    {
      says: to === 'off' ? 'It may not log in any more, and its sessions are ended until none is left.' : 'It has no password any more. The role stays: it is the idle one of the pair from now on.',
      run: [
        onRole(age, `alter role :"role" ${words};`),
        `until [ "$(${inline(age, "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = :'role';")})" = 0 ]; do sleep 1; done`,
        `echo ${to}`,
      ].join('\n'),
      prints: to,
    },
  ]
}

/** SQL with the name of a role in it, which psql quotes: `:"role"` and `:'role'`. */
function onRole(age: Age, sql: string): string {
  return `pg_admin -v role="$${variable(age, 'user')}" <<'SQL'\n${sql}\nSQL`
}

function inline(age: Age, sql: string): string {
  return `pg_admin -v role="$${variable(age, 'user')}" <<< "${sql}"`
}
