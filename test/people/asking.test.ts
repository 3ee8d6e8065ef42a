import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Plan } from '../../src/plan/plan.ts'
import { type Receipt, type SignedReceipt, verifyReceipt } from '../../src/proof/receipt.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { type Desk, type Did, setDesk } from '../strategies/desk.ts'
import { filesBelow, leaksIn } from '../worlds/leaks.ts'

const NONE: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'none', slots: 5, ends: [] }

/** `the0 local admin set`: asks twice on its terminal, in raw mode. */
const ADMIN_SET = `#!/usr/bin/env node
const { openSync, writeSync, writeFileSync } = require('node:fs')
const tty = openSync('/dev/tty', 'r+')
const input = new (require('node:tty').ReadStream)(tty)
input.setRawMode(true)
const words = ['']
writeSync(tty, 'Password: ')
input.on('data', (data) => {
  for (const key of data.toString()) {
    if (key !== '\\r') { words[words.length - 1] += key; continue }
    writeSync(tty, '\\r\\n')
    if (words.length === 1) { words.push(''); writeSync(tty, 'Repeat password: '); continue }
    if (words[0] === words[1]) writeFileSync('password', words[0])
    writeSync(tty, 'Updated ' + words[0] + '\\r\\n')
    process.exit(words[0] === words[1] ? 0 : 1)
  }
})
`
/** `the0 local reset-admin-password NEW`: takes it in no other way. Slow enough to be seen. */
const RESET = '#!/bin/sh\nsleep 0.3\nprintf %s "$1" > password\n'
const PROBE = `#!/bin/sh
given=$(sed 's/.*"password":"\\([^"]*\\)".*/\\1/')
[ "$given" = "$(cat password)" ]
`

/** A desk whose secret is the password of an admin who is changed by a program. */
async function setAdmin(issuer: object): Promise<Desk> {
  const desk = await setDesk(NONE, {
    issuer: () => ({ use: 'command', principal: 'root@the0', probe: ['./probe'], ...issuer }),
    file: (token) => ({ text: `TOKEN=${token}\n`, bind: { TOKEN: '{password}' } }),
    secret: { consumers: [], checks: [], deadline: '10s' },
  })
  for (const [name, script] of Object.entries({ 'admin-set': ADMIN_SET, reset: RESET, probe: PROBE })) writeFileSync(join(desk.folder, name), script, { mode: 0o700 })
  writeFileSync(join(desk.folder, 'password'), valueIn(desk))
  return desk
}

const valueIn = (desk: Desk): string => /TOKEN=(.*)/.exec(desk.stored())?.[1] ?? ''

/** Runs the shipped program; `seen` are the command lines of all processes of this machine meanwhile, looked at again and again. */
async function watched(desk: Desk, words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Did & { readonly seen: string; readonly looks: number }> {
  const { launcher, compiled } = await desk.shipped()
  const child = spawn(process.execPath, [launcher, ...words], { cwd: desk.folder, env: { PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`, NODE_COMPILE_CACHE: compiled, ...desk.env, ...more }, stdio: 'pipe' })
  child.stdin.end()
  const lines = new Set<string>()
  let looks = 0
  const over = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  while (child.exitCode === null && child.signalCode === null) {
    for (const line of commandLines()) lines.add(line)
    looks += 1
    await setImmediate()
  }
  const [out, err] = await over
  return { exit: child.exitCode ?? 128, out, err, seen: [...lines].join('\n'), looks }
}

function commandLines(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')]
    } catch {
      // Gone meanwhile.
      return []
    }
  })
}

const receiptOf = async (desk: Desk): Promise<Receipt> => verifyReceipt(JSON.parse(readFileSync(join(desk.folder, '.keyturn', 'receipts', `${await desk.rotation()}.json`), 'utf8')) as SignedReceipt)
const leaks = (desk: Desk, did: Did, values: readonly string[]): readonly string[] =>
  leaksIn([{ place: 'printed', text: did.out + did.err }, ...filesBelow(join(desk.folder, '..'), new Set(['.env', 'password', 'keys'].map((name) => join(desk.folder, name))))], values)

/** `djed-provisioner ai mint|revoke`: keys are lines of a file, and a key is ended by `--key KEY` or by standard input. No program that it starts is given a key. */
const PROVISIONER = `#!/bin/sh
case $1 in
  mint) key=$(head -c 64 /dev/urandom | sha256sum | cut -c 1-40); echo "$key" >> keys; echo "$key";;
  revoke) sleep 0.3; if [ "$2" = --key ]; then key=$3; else key=$(sed 's/.*"password":"\\([^"]*\\)".*/\\1/'); fi; while read -r line; do [ "$line" = "$key" ] || echo "$line"; done < keys > kept; mv kept keys;;
  probe) key=$(sed 's/.*"password":"\\([^"]*\\)".*/\\1/'); while read -r line; do if [ "$line" = "$key" ]; then exit 0; fi; done < keys; exit 1;;
esac
`

/** A desk whose secret is a key that the provisioner makes and ends. */
async function setProvisioner(issuer: object): Promise<Desk> {
  const tool = (verb: string): readonly string[] => ['./provisioner', verb]
  const desk = await setDesk(NONE, {
    issuer: () => ({ use: 'command', principal: 'djed/atlas', strategy: 'overlap', fields: { password: 'secret' }, mint: tool('mint'), revoke: tool('revoke'), probe: tool('probe'), ...issuer }),
    file: (token) => ({ text: `TOKEN=${token}\n`, bind: { TOKEN: '{password}' } }),
    secret: { consumers: [], checks: [], deadline: '10s' },
  })
  writeFileSync(join(desk.folder, 'provisioner'), PROVISIONER, { mode: 0o700 })
  writeFileSync(join(desk.folder, 'keys'), `${valueIn(desk)}\n`)
  return desk
}

const ASKS = [{ prompt: 'Password:', answer: '{password}' }, { prompt: 'Repeat password:', answer: '{password}' }]

describe.runIf(process.platform === 'linux')('a password that a program changes', { timeout: 120_000 }, () => {
  it('which asks for it on its terminal is rotated, and the value is in no process list and in nobody\'s output (S4-04, C-33, C-01, S0-21)', async () => {
    const desk = await setAdmin({ apply: ['./admin-set'], asks: ASKS })
    const before = valueIn(desk)
    const did = await watched(desk, ['rotate', 'mail', '--wait'])
    expect(did.exit, did.out + did.err).toBe(0)
    const after = valueIn(desk)
    expect(after).not.toBe(before)
    expect(readFileSync(join(desk.folder, 'password'), 'utf8')).toBe(after)
    expect(did.seen, `the watcher looks, ${did.looks} times`).toContain('admin-set')
    expect(did.seen.includes(after) || did.seen.includes(before)).toBe(false)
    expect(leaks(desk, did, [before, after])).toEqual([])
    expect((await receiptOf(desk)).proof).toMatchObject({ new: 'accepted', old: 'rejected' })
  })

  it('which asks something else is told nothing, and nothing was changed (S4-04)', async () => {
    const desk = await setAdmin({ apply: ['./admin-set'], asks: [{ prompt: 'Current password:', answer: '{password}' }] })
    const before = valueIn(desk)
    expect(await desk.keyturn('rotate', 'mail', '--wait')).toMatchObject({ exit: 5, out: expect.stringContaining('asked something else where question 1 was expected') as string })
    expect([valueIn(desk), readFileSync(join(desk.folder, 'password'), 'utf8')]).toEqual([before, before])
  })

  it.each(['after-intent', 'after-effect', 'after-outcome'])('which asks for it, by a run that is killed %s, is found out and gone on with (I1, I2, S4-04)', async (point) => {
    const desk = await setAdmin({ apply: ['./admin-set'], asks: ASKS })
    const before = valueIn(desk)
    expect(await watched(desk, ['rotate', 'mail', '--wait'], { KEYTURN_REHEARSE: `kill:mint/${point}` })).toMatchObject({ exit: 128 })
    expect(await desk.keyturn('resume', '--wait')).toMatchObject({ exit: 0 })
    expect(valueIn(desk)).not.toBe(before)
    expect(readFileSync(join(desk.folder, 'password'), 'utf8')).toBe(valueIn(desk))
    await desk.events()
  })

  it('which takes it as an argument only is refused, with the place and what to write (C-01, S0-21)', async () => {
    const desk = await setAdmin({ apply: ['./reset', '{password}'] })
    expect(await desk.keyturn('plan', 'mail')).toMatchObject({ exit: 2, err: expect.stringMatching(/keyturn\.yaml:\d+:\d+ item 2 does not fit; write [^]*argv: acknowledged/) as string })
  })

  it('which takes it as an argument only is rotated when that is acknowledged: in the plan, the journal and the receipt, and masked in all that is ours (C-01, S0-21)', async () => {
    const desk = await setAdmin({ apply: ['./reset', '{password}'], argv: 'acknowledged' })
    const { plan } = JSON.parse((await desk.keyturn('plan', 'mail', '--json')).out) as { readonly plan: Plan }
    expect(plan.summary.notices).toContain('argv: acknowledged: while reset runs, its command line shows the value to everybody on this machine')
    const before = valueIn(desk)
    const did = await watched(desk, ['rotate', 'mail', '--wait'])
    expect(did.exit, did.out + did.err).toBe(0)
    const after = valueIn(desk)
    expect(did.seen.includes(after), 'the watcher would have seen it').toBe(true)
    expect((await desk.events()).find((event) => event.type === 'step-done' && event.step === 'mint')).toMatchObject({ evidence: { argv: 'acknowledged' } })
    expect((await receiptOf(desk)).acknowledged).toMatchObject([{ what: 'argv', reason: expect.stringContaining('argv: acknowledged') as string }])
    expect(leaks(desk, did, [before, after])).toEqual([])
  })
})

describe.runIf(process.platform === 'linux')('a key that a program makes, and ends', { timeout: 120_000 }, () => {
  it.each<[string, object, boolean]>([
    ['on standard input, where nobody sees it', {}, false],
    ['as an argument, since it takes it in no other way and that is acknowledged', { revoke: ['./provisioner', 'revoke', '--key', '{password}'], argv: 'acknowledged' }, true],
  ])('by its value %s (S0-15, S0-21, C-01)', async (_title, issuer, shown) => {
    const desk = await setProvisioner(issuer)
    const before = valueIn(desk)
    const begun = await desk.keyturn('rotate', 'mail')
    expect(begun, begun.out + begun.err).toMatchObject({ exit: 4 })
    const did = await watched(desk, ['resume', await desk.rotation(), '--acknowledge', 'usage', '--reason', 'the log of the gateway', '--wait'])
    expect(did.exit, did.out + did.err).toBe(0)
    const after = valueIn(desk)
    expect(readFileSync(join(desk.folder, 'keys'), 'utf8')).toBe(`${after}\n`)
    expect([did.seen.includes('provisioner'), did.seen.includes(before), did.seen.includes(after)]).toEqual([true, shown, false])
    const receipt = await receiptOf(desk)
    expect(receipt.proof).toMatchObject({ new: 'accepted', old: 'rejected' })
    expect(receipt.acknowledged?.map(({ what }) => what)).toEqual(shown ? ['argv', 'usage'] : ['usage'])
    expect((await desk.events()).find((event) => event.type === 'step-done' && event.step === 'gone')).toMatchObject({ evidence: shown ? { argv: 'acknowledged' } : { exit: 0 } })
    expect(leaks(desk, did, [before, after])).toEqual([])
  })
})
