import { randomBytes } from 'node:crypto'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import type { Consumer, Instance } from '../../kit/consumer.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import { consoleFailure } from './failure.ts'
import { loginThrough } from './login.ts'
import type { ConsumerConfig } from './manifest.ts'
import { type Row, readConsoleUrl, within } from './session.ts'
import { copyVerifiers } from './verifiers.ts'

type Pooler = ConsumerConfig['poolers'][number]

/**
 * PgBouncers that read their files again at RELOAD, each over its own console and no other process of the same name. RELOAD answers
 * before the auth file is read (1.18: some 300 ms), so what a pooler holds is told by a login through it alone. With `verifiers` that
 * login is also what gives PgBouncer the keys to log in to the server with: before it, new server connections fail.
 */
export function openConsumer({ poolers, database, verifiers }: ConsumerConfig, host: Host): Consumer {
  const ask = async <T>(pooler: Pooler, call: Call, body: Parameters<typeof within<T>>[2]): Promise<T> =>
    within(await readConsoleUrl(await host.resolve(pooler.console, call)), call, body)

  async function look({ name, ...pooler }: Pooler, call: Call): Promise<Instance> {
    const ready = await ask({ name, ...pooler }, call, (query) => query('SHOW VERSION')).then(() => true, () => false)
    return { id: name, name, ready }
  }

  return {
    traits: { attest: 'challenge', reload: 'graceful', takes: 1_000 * poolers.length },
    identity: () => resourceKey('consumer', 'pgbouncer', ...poolers.map((one) => one.console).sort()),
    title: () => `pgbouncer ${poolers.map(({ name }) => name).join(', ')}`,

    preflight: async (call) => {
      const notices: string[] = []
      for (const pooler of poolers) {
        try {
          const place = await readConsoleUrl(await host.resolve(pooler.console, call))
          const said = judge(pooler.name, place, settingsOf(await within(place, call, (query) => query('SHOW CONFIG'))))
          if (said.is !== 'done') return said
          notices.push(...said.value)
        } catch (thrown) {
          return consoleFailure(thrown, pooler.name, call)
        }
      }
      const copied = verifiers === undefined ? done(undefined) : await copyVerifiers(verifiers, host, call, 'dry')
      return copied.is === 'done' ? done({ notices }) : copied
    },

    instances: async (call) => done({ all: await Promise.all(poolers.map((pooler) => look(pooler, call))), complete: true }),

    reload: async (call, _pace, without = []) => {
      if (call.signal.aborted) return refused('DEADLINE')
      const copied = verifiers === undefined ? done(undefined) : await copyVerifiers(verifiers, host, call)
      if (copied.is !== 'done') return copied
      let reloaded = 0
      for (const pooler of poolers) {
        if (without.includes(pooler.name) && !(await look(pooler, call)).ready) continue
        // Of the whole it can no longer be said that nothing happened.
        const stopped = (answer: Answer<never>): Answer<never> =>
          answer.is === 'refused' && (reloaded > 0 || verifiers !== undefined) ? unknown(answer.code, answer.about, { ...answer.evidence, reloaded }) : answer
        if (call.signal.aborted) return stopped(refused('DEADLINE', pooler.name))
        try {
          await ask(pooler, call, (query) => query('RELOAD'))
          reloaded += 1
        } catch (thrown) {
          return stopped(consoleFailure(thrown, pooler.name, call))
        }
      }
      return done({ evidence: { reloaded } })
    },

    attest: async (instance, next, old, call) => {
      const pooler = poolers.find(({ name }) => name === instance.name)
      if (pooler === undefined) return refused('CONSUMER_MISSING', instance.name)
      let place: Awaited<ReturnType<typeof readConsoleUrl>>
      try {
        place = { ...(await readConsoleUrl(await host.resolve(pooler.console, call))), database }
      } catch (thrown) {
        return consoleFailure(thrown, pooler.name, call)
      }
      const login = async (fields: Fields | undefined): Promise<string> =>
        (fields === undefined ? undefined : await loginThrough(place, fields, call))?.verdict ?? 'inconclusive'
      const accepted = await login(next.fields)
      if (accepted === 'accepted') {
        // One that lets everybody in has proven nothing.
        const fails = await login({ ...next.fields, password: new Secret(randomBytes(24).toString('hex')) })
        return done({ holds: fails === 'rejected' ? 'new' : 'unseen', by: 'challenge', evidence: { new: accepted, wrong: fails } })
      }
      const before = old === undefined ? 'none' : await login(old.fields)
      const holds = accepted !== 'rejected' ? 'unseen' : before === 'accepted' ? 'old' : before === 'inconclusive' ? 'unseen' : 'neither'
      return done({ holds, by: 'challenge', evidence: { new: accepted, old: before } })
    },
  }
}

function settingsOf(rows: readonly Row[]): ReadonlyMap<string, string> {
  return new Map(rows.map(({ key, value }) => [String(key), value === null || value === undefined ? '' : String(value)]))
}

/** What the settings of a pooler mean for a rotation. */
function judge(name: string, place: { readonly user: string; readonly host: string }, settings: ReadonlyMap<string, string>): Answer<readonly string[]> {
  const { user } = place
  // Over a Unix socket the user `pgbouncer` of the same system account may do everything.
  const admins = (settings.get('admin_users') ?? '').split(',').map((one) => one.trim())
  if (!admins.includes(user) && !(user === 'pgbouncer' && place.host.startsWith('/'))) return refused('RIGHTS_MISSING', `to be one of the \`admin_users\` of ${name}`)
  const type = settings.get('auth_type') ?? ''
  if (type === 'any' || type === 'trust') return refused('PROBE_MEANINGLESS', `${name} has auth_type ${type}`)
  const idle = Number(settings.get('server_idle_timeout'))
  return done([
    ...(settings.get('so_reuseport') === '1' ? [`${name} shares its port with others (so_reuseport): RELOAD reaches one of them at random; name each by an address of its own, such as its Unix socket`] : []),
    `${name} keeps a server connection of the old role for ${idle === 0 ? 'ever' : `${idle} s`} after its last use (server_idle_timeout), and PostgreSQL shows it as use until then`,
  ])
}
