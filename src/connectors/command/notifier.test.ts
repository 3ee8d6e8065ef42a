import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Notice } from '../../kit/notifier.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type NotifierWorld, notifierSuite } from '../../testing/notifier.ts'
import { openNotifier } from './index.ts'
import { notifierSchema } from './manifest.ts'

const token = generate(ALNUM, 32)
const hostOf = (base: string): Host => ({ base, now: Date.now, resolve: async (text) => new Secret(text.replace('${env:TOKEN}', token)), conceal: () => undefined })

/** A program that keeps what it gets, one line each, then does what `fault` says. */
const PROGRAM = `#!/bin/sh
IFS= read -r line
printf '%s\\n' "$line" >> got
tr '\\0' ' ' < /proc/$$/cmdline >> argv
case $(cat fault) in error) exit 1 ;; reset) kill -9 $$ ;; slow) sleep 30 ;; esac
`

function makeFolder(): { readonly folder: string; readonly notifier: ReturnType<typeof openNotifier> } {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-notify-'))
  writeFileSync(join(folder, 'tell.sh'), PROGRAM)
  chmodSync(join(folder, 'tell.sh'), 0o700)
  writeFileSync(join(folder, 'fault'), 'none')
  return { folder, notifier: openNotifier(notifierSchema.parse({ run: ['./tell.sh', 'ops'], env: { TOKEN: '${env:TOKEN}' } }), hostOf(folder)) }
}

const linesOf = (folder: string): string[] => (existsSync(join(folder, 'got')) ? readFileSync(join(folder, 'got'), 'utf8').trimEnd().split('\n') : [])

notifierSuite(proving({ connector: 'command', as: 'notifier', on: 'sh' }), 'command', async (): Promise<NotifierWorld> => {
  const { folder, notifier } = makeFolder()
  return {
    notifier,
    received: () => linesOf(folder).map((text) => ({ id: (JSON.parse(text) as Notice).id, text })),
    secrets: [new Secret(token)],
    break: (fault) => {
      if (fault === 'gone') rmSync(join(folder, 'tell.sh'))
      else writeFileSync(join(folder, 'fault'), fault)
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  }
})

describe('a notice to a command', () => {
  const notice: Notice = { id: 'n-1', kind: 'rotation-done', severity: 'info', title: 'it is $(rotated); `done`', facts: {}, system: 'atlas', environment: 'staging', at: 1 }

  it('comes on standard input, whole, and nothing of it in an argument (C-01)', async () => {
    const { folder, notifier } = makeFolder()
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    expect((await notifier.notify(notice, callWithin(5_000))).is).toBe('done')
    expect(linesOf(folder).map((line) => JSON.parse(line) as unknown)).toEqual([notice])
    expect(readFileSync(join(folder, 'argv'), 'utf8')).toMatch(/tell\.sh ops $/)
  })
})
