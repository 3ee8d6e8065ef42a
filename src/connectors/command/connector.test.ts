import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Check } from '../../kit/check.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type CheckFault, checkSuite, type CheckWorld } from '../../testing/check.ts'
import { type ConsumerWorld, consumerSuite, valueOf } from '../../testing/consumer.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { recorder } from '../../testing/recorder.ts'
import { prepareServices } from '../../testing/services.ts'
import { openCheck, openConsumer, openIssuer } from './index.ts'
import { issuerSchema } from './issuer-schema.ts'
import { checkSchema, consumerSchema } from './manifest.ts'

const folderOf = (): string => mkdtempSync(join(tmpdir(), 'keyturn-command-'))
const hostOf = (base: string, resolve = async (text: string) => new Secret(text)): Host => ({
  base,
  now: () => Date.now(),
  resolve,
  conceal: () => undefined,
})
const credential = (password = generate(ALNUM, 32)): Credential => ({
  id: 'app',
  fields: { user: new Secret('app'), password: new Secret(password) },
})

/** A login by a file that holds the password; `fault` holds what goes wrong at the next run. */
const LOGIN = `
cd "$(dirname "$0")"
given=$(printf %s "$input" | sed 's/.*"password":"\\([^"]*\\)".*/\\1/')
fault=$(cat fault 2>/dev/null); rm -f fault
`

async function consumerWorld(): Promise<ConsumerWorld> {
  const services = await prepareServices('gateway', 'graphsync')
  services.publish(services.old)
  const config = consumerSchema.parse({
    run: [services.restart, '{services}'],
    services: [...services.names],
    ready: Object.fromEntries(services.names.map((name) => [name, `${services.url(name)}/readyz`])),
  })
  const host = hostOf(services.folder)
  const consumer = openConsumer(config, host)
  valueOf(await consumer.reload(callWithin(20_000)))
  return {
    consumer,
    again: openConsumer(config, host),
    next: services.next,
    old: services.old,
    publish: services.publish,
    truth: services.truth,
    break: async (fault) => {
      if (fault === 'gone') await services.end('graphsync')
      else services.mark(fault === 'slow' ? 'slow' : 'failing')
    },
    close: services.close,
  }
}

async function checkWorld(takes: boolean): Promise<CheckWorld> {
  const folder = folderOf()
  const [good, bad] = [credential(), credential()]
  const shown = generate(ALNUM, 32)
  writeFileSync(join(folder, 'password'), good.fields['password']?.reveal() ?? '')
  const login = takes ? '[ "$given" = "$(cat password)" ] || exit 1' : ''
  const faulty = 'case $fault in slow) exec sleep 60;; error) exit 70;; reset) kill -9 $$;; esac'
  const command = recorder(folder, 'look', `${LOGIN}${faulty}\n${login}\nprintf '{"state":"ok","words":"${shown}"}'`)
  const more = takes ? { credential: 'stdin' } : {}
  const open = (state: string): Check =>
    openCheck(checkSchema.parse({ run: [command.path], expect: { stdout: { json: { state } } }, ...more }), hostOf(folder))
  return {
    check: open('ok'),
    wrong: open('bad'),
    ...(takes ? { good, bad } : {}),
    shown: [shown],
    break: (fault: CheckFault) => (fault === 'gone' ? rmSync(command.path) : writeFileSync(join(folder, 'fault'), fault)),
    close: async () => rmSync(folder, { recursive: true }),
  }
}

async function issuerWorld(): Promise<IssuerWorld & { seen(): string }> {
  const folder = folderOf()
  const current = credential()
  writeFileSync(join(folder, 'password'), current.fields['password']?.reveal() ?? '')
  const faulty = 'case $fault in slow) exec sleep 60;; server-error) exit 1;; esac'
  const apply = recorder(folder, 'apply', `${LOGIN}${faulty}; printf %s "$given" > password; [ "$fault" != answer-lost ]`)
  const probe = recorder(folder, 'probe', `${LOGIN}[ "$given" = "$(cat password)" ]`)
  const config = issuerSchema.parse({ principal: 'app', apply: [apply.path], probe: [probe.path] })
  return {
    current,
    siblings: [],
    open: () => {
      chmodSync(apply.path, 0o700)
      return openIssuer(config, hostOf(folder))
    },
    use: async () => ({ alive: async () => true, close: async () => undefined }),
    inject: async (fault) => {
      if (fault === 'unreachable') chmodSync(apply.path, 0o600)
      else writeFileSync(join(folder, 'fault'), fault)
    },
    seen: () => apply.seen() + probe.seen(),
    close: async () => rmSync(folder, { recursive: true }),
  }
}

/** A tool that keeps keys as files named by the digest of each; `{id}` is that name. */
async function keysWorld(json: boolean): Promise<IssuerWorld> {
  const folder = folderOf()
  const [current, sibling] = [generate(ALNUM, 40), generate(ALNUM, 40)]
  const idOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 16)
  for (const key of [current, sibling]) writeFileSync(join(folder, idOf(key)), '')
  const name = 'name=$(printf %s "$key" | sha256sum | cut -c 1-16)'
  const faulty = 'fault=$(cat fault 2>/dev/null); rm -f fault; case $fault in slow) exec sleep 60;; server-error) exit 1;; full) exit 9;; esac'
  const print = json ? `printf '{"data":{"key":"%s","id":"%s"}}' "$key" "$name"` : 'printf "%s\\n" "$key"'
  const mint = recorder(folder, 'mint', `cd "$(dirname "$0")"; ${faulty}; key=$(head -c 64 /dev/urandom | sha256sum | cut -c 1-40); ${name}; : > $name; [ "$fault" = answer-lost ] && exit 1; ${print}`)
  const revoke = recorder(folder, 'revoke', 'cd "$(dirname "$0")"; rm -f "$1"')
  const probe = recorder(folder, 'probe', `${LOGIN}key=$given; ${name}; [ -e "$name" ]`)
  const config = issuerSchema.parse({
    principal: 'keys', strategy: 'overlap', mint: [mint.path, '{tag}'], revoke: [revoke.path, '{id}'], probe: [probe.path], fullExit: 9,
    fields: json ? { user: 'plain', password: 'secret' } : { password: 'secret' },
    ...(json ? { answer: { password: 'data.key', user: 'data.id' } } : {}),
  })
  const credentialOf = (key: string): Credential => ({ id: idOf(key), fields: { ...(json ? { user: new Secret(idOf(key)) } : {}), password: new Secret(key) } })
  return {
    current: credentialOf(current),
    siblings: [credentialOf(sibling)],
    open: () => {
      chmodSync(mint.path, 0o700)
      return openIssuer(config, hostOf(folder))
    },
    use: async ({ id }) => ({ alive: async () => existsSync(join(folder, id)), close: async () => undefined }),
    inject: async (fault) => {
      if (fault === 'unreachable') chmodSync(mint.path, 0o600)
      else writeFileSync(join(folder, 'fault'), fault)
    },
    close: async () => rmSync(folder, { recursive: true }),
  }
}

describe.runIf(process.platform === 'linux')('command', () => {
  for (const json of [false, true]) {
    issuerSuite(proving({ connector: 'command', as: 'issuer', strategy: 'overlap', on: 'real commands' }, describe.concurrent), `command, beside each other${json ? ', as JSON' : ''} (S0-15, S0-21)`, () => keysWorld(json))
  }
  consumerSuite(proving({ connector: 'command', as: 'consumer', on: 'real commands' }), 'command (S0-10, S0-45)', consumerWorld)
  checkSuite(proving({ connector: 'command', as: 'check', on: 'real commands' }), 'command (S0-06)', () => checkWorld(false))
  checkSuite(proving({ connector: 'command', as: 'check', on: 'real commands' }), 'command with a credential', () => checkWorld(true))
  issuerSuite(proving({ connector: 'command', as: 'issuer', strategy: 'in-place', on: 'real commands' }), 'command', issuerWorld)

  it('rotates without a value in a command line or an environment (C-01)', async () => {
    const world = await issuerWorld()
    const issuer = world.open()
    const next = issuer.propose(world.current)
    valueOf(await issuer.mint({ credential: next, tag: '1' }, callWithin(10_000)))
    expect(valueOf(await issuer.probe(next, 'app', callWithin(10_000)))).toEqual({ verdict: 'accepted', code: 'exit 0' })
    expect(valueOf(await issuer.probe(world.current, 'app', callWithin(10_000)))).toEqual({ verdict: 'rejected', code: 'exit 1' })
    const seen = world.seen()
    expect(seen).toContain('apply')
    for (const one of [next, world.current]) expect(seen).not.toContain(one.fields['password']?.reveal())
    await world.close()
  })

  it('takes another exit code of the probe for inconclusive, never for rejected', async () => {
    const folder = folderOf()
    const probe = recorder(folder, 'probe', 'exit 69')
    const config = issuerSchema.parse({ principal: 'app', apply: ['true'], probe: [probe.path], rejectedExit: 3 })
    const answer = await openIssuer(config, hostOf(folder)).probe(credential(), 'app', callWithin(10_000))
    expect(valueOf(answer)).toEqual({ verdict: 'inconclusive', code: 'exit 69' })
    rmSync(folder, { recursive: true })
  })

  it('runs one command for the listed services, in its folder (S0-10, S0-45)', async () => {
    const folder = folderOf()
    const ship = recorder(folder, 'ship')
    const config = consumerSchema.parse({
      run: ['./ship', '--only', '{services}', 'of {services}'],
      services: ['atlas-gateway', 'atlas-graphsync', 'atlas-resolver'],
    })
    const consumer = openConsumer(config, hostOf(folder))
    expect(valueOf(await consumer.instances(callWithin(10_000))).all.map(({ name }) => name)).toEqual(config.services)
    valueOf(await consumer.reload(callWithin(10_000)))
    const words = ship.seen().split('\n')
    expect(words.slice(1, 7)).toEqual([
      './ship',
      '--only',
      'atlas-gateway',
      'atlas-graphsync',
      'atlas-resolver',
      'of atlas-gateway atlas-graphsync atlas-resolver',
    ])
    rmSync(folder, { recursive: true })
  })

  it('answers unknown with the exit code when the command fails, and when its own time is up (S0-10, X-10)', async () => {
    const folder = folderOf()
    const open = (run: string[], more: object = {}) =>
      openConsumer(consumerSchema.parse({ run, services: ['a'], ...more }), hostOf(folder))
    expect(await open(['/bin/sh', '-c', 'exit 2']).reload(callWithin(10_000))).toMatchObject({
      is: 'unknown',
      code: 'COMMAND_FAILED',
      evidence: { exit: 2 },
    })
    const began = Date.now()
    const late = await open(['sleep', '60'], { timeout: '200ms' }).reload(callWithin(60_000))
    expect(late).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect(Date.now() - began).toBeLessThan(10_000)
    for (const consumer of [open(['keyturn-no-such']), open(['true'], { cwd: 'nowhere' })]) {
      expect(await consumer.preflight(callWithin(10_000))).toMatchObject({ is: 'refused', code: 'COMMAND_MISSING' })
    }
    rmSync(folder, { recursive: true })
  })

  it('passes on exit code 0 or the expected one only (S0-06)', async () => {
    const look = async (script: string, wanted?: object): Promise<string> => {
      const config = checkSchema.parse({ run: ['/bin/sh', '-c', script], ...(wanted === undefined ? {} : { expect: wanted }) })
      const { verdict, evidence } = valueOf(await openCheck(config, hostOf('/')).run(callWithin(10_000)))
      return evidence['unmet'] === undefined ? verdict : `${verdict} ${evidence['unmet']}`
    }
    expect(await look('exit 0')).toBe('pass')
    expect(await look('exit 1')).toBe('fail exit')
    expect(await look('exit 4', { exit: 4 })).toBe('pass')
    expect(await look('echo green', { stdout: { equals: 'green' } })).toBe('pass')
    expect(await look('echo red', { stdout: { matches: '^green$' } })).toBe('fail matches')
    // What jq calls success on an absent field (C-05).
    expect(await look('echo {}', { stdout: { json: { 'components.postgres': 'ok' } } })).toBe('fail json:components.postgres')
    expect(await look('head -c 200000 /dev/zero', { stdout: { includes: 'x' } })).toBe('fail length')
  })

  it('gives the variables that the configuration names, resolved at the moment of use', async () => {
    const folder = folderOf()
    const command = recorder(folder, 'look')
    const value = generate(ALNUM, 32)
    const config = checkSchema.parse({ run: [command.path], env: { TOKEN: '${env:T}' } })
    const check = openCheck(config, hostOf(folder, async (text) => new Secret(text.replace('${env:T}', value))))
    expect(valueOf(await check.run(callWithin(10_000))).verdict).toBe('pass')
    expect(command.seen()).toContain(`TOKEN=${value}`)
    rmSync(folder, { recursive: true })
  })

  it('keeps a lock for an effect, none for a look (I10)', async () => {
    const folder = folderOf()
    const lock = join(folder, 'lock')
    const script = `[ -e ${lock} ] && echo held > ${folder}/out || echo free > ${folder}/out`
    const run = ['/bin/sh', '-c', script]
    const call = { ...callWithin(10_000), lock }
    valueOf(await openConsumer(consumerSchema.parse({ run, services: ['a'] }), hostOf(folder)).reload(call))
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('held\n')
    valueOf(await openCheck(checkSchema.parse({ run }), hostOf(folder)).run(call))
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('free\n')
    rmSync(folder, { recursive: true })
  })
})

describe('the configuration of command', () => {
  it('refuses references in command lines, which everybody can see (C-01)', () => {
    const bad = ['tool', '--password=${env:P}']
    expect(checkSchema.safeParse({ run: ['tool'] }).success).toBe(true)
    expect(checkSchema.safeParse({ run: bad }).success).toBe(false)
    expect(consumerSchema.safeParse({ run: bad, services: ['a'] }).success).toBe(false)
    expect(issuerSchema.safeParse({ principal: 'a', apply: ['a'], probe: bad }).success).toBe(false)
  })

  const KEYS = { principal: 'a', strategy: 'overlap', fields: { password: 'secret' }, mint: ['m'], revoke: ['r', '{id}'], probe: ['p'] }
  it.each<[string, object, string]>([
    ['a value in a command line that nobody acknowledged', { principal: 'a', apply: ['a', '{password}'], probe: ['p'] }, 'apply.1'],
    ['a value in a command line that ends it', { ...KEYS, revoke: ['r', '--key={password}'] }, 'revoke.1'],
    ['a value in the command line that makes it', { ...KEYS, mint: ['m', '{password}'], argv: 'acknowledged' }, 'mint.1'],
    ['an acknowledgement of nothing', { ...KEYS, argv: 'acknowledged' }, 'argv'],
    ['a command that replaces and none that does', { principal: 'a', probe: ['p'] }, 'apply'],
    ['a field that nothing brings', { ...KEYS, fields: { user: 'plain', password: 'secret' } }, 'fields'],
    ['nothing that ends it', { ...KEYS, revoke: undefined }, 'revoke'],
    ['questions of a command that is told nothing', { ...KEYS, asks: [{ prompt: 'Password:', answer: '{password}' }] }, 'asks'],
    ['questions to which the value is no answer', { principal: 'a', apply: ['a'], probe: ['p'], asks: [{ prompt: 'Sure\\?', answer: 'y' }] }, 'asks'],
    ['a literal where a secret is asked for', { principal: 'a', apply: ['a'], probe: ['p'], asks: [{ prompt: 'Password:', answer: 'hunter2' }] }, 'asks.0.answer'],
    ['a prompt that is like anything', { principal: 'a', apply: ['a'], probe: ['p'], asks: [{ prompt: '.*', answer: '{password}' }] }, 'asks.0.prompt'],
  ])('refuses %s (C-01, S0-21, S4-04)', (_title, written, at) => {
    expect(issuerSchema.safeParse(written).error?.issues.map(({ path }) => path.join('.'))).toContain(at)
  })

  it('takes a value in a command line where that is acknowledged (S0-21)', () => {
    expect(issuerSchema.safeParse({ ...KEYS, revoke: ['djed-provisioner', 'ai', 'revoke', '--key', '{password}'], argv: 'acknowledged' }).success).toBe(true)
  })

  it('refuses a readiness address for a service that is not listed', () => {
    expect(consumerSchema.safeParse({ run: ['a'], services: ['a'], ready: { b: 'http://127.0.0.1:1/' } }).success).toBe(false)
  })
})
