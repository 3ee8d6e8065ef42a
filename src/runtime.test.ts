import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALNUM, generate } from './kit/generate.ts'
import { plannerFor, userName } from './runtime.ts'
import { callWithin } from './testing/call.ts'

const [user, password, host] = [generate(ALNUM, 12), generate(ALNUM, 24), generate(ALNUM, 12)]
let base = ''
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'keyturn-runtime-'))
  writeFileSync(join(base, 'password'), `${password}\n`, { mode: 0o604 })
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

function opened() {
  const concealed: string[] = []
  const noticed: string[] = []
  const planner = plannerFor({
    env: { PG_USER: user }, interrupt: new AbortController().signal, conceal: (secret) => { concealed.push(secret.reveal()) }, notice: (text) => { noticed.push(text) },
  })
  return { ...planner.host(base), concealed, noticed }
}

describe('the host that connectors are opened with', () => {
  it('resolves ${env:}, ${file:} and ${exec:} and conceals each value and the whole text (X-14, I11)', async () => {
    const { resolve, concealed } = opened()
    const secret = await resolve(`postgres://\${env:PG_USER}:\${file:password}@\${exec:printf %s ${host}}/postgres`)
    expect(secret.reveal()).toBe(`postgres://${user}:${password}@${host}/postgres`)
    expect(concealed).toEqual([user, password, host, secret.reveal()])
  })

  it('names a reference that does not resolve, of a command only the program, and never a value (C-01)', async () => {
    const { resolve } = opened()
    await expect(resolve('${file:password}${env:ABSENT}')).rejects.toMatchObject({ code: 'REFERENCE_UNRESOLVED', about: '${env:ABSENT}: the environment variable is not set' })
    await expect(resolve('${file:nowhere}')).rejects.toMatchObject({ code: 'REFERENCE_UNRESOLVED', about: '${file:nowhere}: the file cannot be read (ENOENT)' })
    await expect(resolve(`\${exec:sh -c 'cat password; exit 4' ${host}}`)).rejects.toMatchObject({ code: 'COMMAND_FAILED', about: '${exec:sh ...}: exit code 4' })
    await expect(resolve('${unheard:kv/db}')).rejects.toMatchObject({ code: 'REFERENCE_UNRESOLVED', about: expect.stringMatching(/^\$\{unheard:\.\.\.\}: the scheme is none of .*\benv\b/) })
  })

  it('lets no reference take longer than the call that needs it (X-10)', async () => {
    const call = callWithin(300)
    await expect(opened().resolve('${exec:sleep 60}', call)).rejects.toMatchObject({ code: 'DEADLINE', about: '${exec:sleep ...}' })
    expect(Date.now()).toBeLessThan(call.deadline + 2_000)
  })

  it('passes on what somebody should know', async () => {
    const { resolve, noticed } = opened()
    await resolve('${file:password}')
    expect(noticed).toEqual([`${join(base, 'password')} can be read by every user of this machine: chmod o-r`])
  })
})

describe('who is named in the journal', () => {
  it('is the user; its number where the machine has no name for it, as in many containers', () => {
    expect(userName(() => ({ username: 'ada' }))).toBe('ada')
    expect(userName(() => { throw Object.assign(new Error('no such user'), { code: 'ERR_SYSTEM_ERROR' }) })).toBe(`uid-${process.getuid?.()}`)
  })
})
