import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certify } from '../../../test/fixture/certificates.ts'
import { type MailServer, startMailServer } from '../../../test/servers/smtp.ts'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Notice, Notifier } from '../../kit/notifier.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type NotifierWorld, notifierSuite } from '../../testing/notifier.ts'
import { openNotifier } from './index.ts'
import { loadLibrary } from './library.ts'
import { notifierSchema } from './manifest.ts'

const notice: Notice = { id: 'mail-1.000002', kind: 'task-asked', severity: 'warning', title: 'mint a key', facts: { due: 3 }, system: 'atlas', environment: 'staging', rotation: 'mail-1', at: Date.UTC(2026, 0, 1) }
const authority = certify({ commonName: 'authority' })
const certificate = certify({ commonName: 'mail', names: ['localhost', '127.0.0.1'], by: authority })

const hostOf = (base: string, password: string): Host => ({ base, now: Date.now, resolve: async () => new Secret(password), conceal: () => undefined })

/** A mail server with a certificate and a login, and a notifier that trusts it. */
async function makeMail(more: object = {}): Promise<{ readonly server: MailServer; readonly notifier: Notifier; close(): Promise<void> }> {
  const server = await startMailServer(certificate)
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-mail-'))
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  const config = notifierSchema.parse({ host: '127.0.0.1', port: server.port, ca: 'ca.pem', user: server.user, password: '${env:SMTP_PASSWORD}', from: 'keyturn@example.org', to: 'oncall@example.org', ...more })
  return {
    server,
    notifier: openNotifier(config, hostOf(folder, server.password)),
    close: async () => {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The words of a message, as a mail program shows them. */
function shown(text: string): { readonly id: string; readonly text: string } {
  const unfolded = text.replaceAll(/=\r?\n/g, '').replaceAll(/\r?\n[ \t]/g, ' ')
  const decoded = unfolded.replaceAll(/(?:=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('=', ''), 'hex').toString('utf8'))
  return { id: /^Message-ID: (.*)$/im.exec(decoded)?.[1]?.trim() ?? '', text: decoded }
}

async function makeWorld(): Promise<NotifierWorld> {
  const { server, notifier, close } = await makeMail()
  return {
    notifier, close,
    received: () => server.mails.map(({ text }) => shown(text)),
    secrets: [new Secret(server.password)],
    break: async (fault) => {
      if (fault === 'gone') await server.close()
      else server.fault = fault
    },
  }
}

notifierSuite(proving({ connector: 'smtp', as: 'notifier', on: 'smtp-server 3' }), 'smtp', makeWorld)

const start = async (more?: object): ReturnType<typeof makeMail> => {
  const mail = await makeMail(more)
  onTestFinished(() => mail.close())
  return mail
}

describe('a notice by mail', () => {
  it('comes over TLS from who logged in, with an id and a thread, and is not to be answered by machines', async () => {
    const { server, notifier } = await start()
    expect(await notifier.notify(notice, callWithin(5_000))).toMatchObject({ is: 'done' })
    const [mail] = server.mails
    expect(mail).toMatchObject({ from: 'keyturn@example.org', to: ['oncall@example.org'], secure: true, user: server.user })
    for (const line of [/^Message-ID: <mail-1\.000002@keyturn>/im, /^References: <mail-1@keyturn>/im, /^Auto-Submitted: auto-generated/im, /^Subject: \[warning\] atlas \(staging\): mint a key/im]) expect(shown(mail?.text ?? '').text).toMatch(line)
  })

  it('holds no header that a text brought in', async () => {
    const { server, notifier } = await start()
    await notifier.notify({ ...notice, id: 'x>\r\nBcc: a@example.org', title: 'one\r\nBcc: b@example.org\r\n\r\nbody', system: 'a\r\nBcc: c@example.org' }, callWithin(5_000))
    const head = (server.mails[0]?.text ?? '').split(/\r?\n\r?\n/)[0] ?? ''
    expect(head).not.toMatch(/^Bcc:/im)
    expect(server.mails[0]?.to).toEqual(['oncall@example.org'])
  })

  it('is never sent in the clear, nor to whom nobody has vouched for', async () => {
    const plain = await startMailServer()
    onTestFinished(() => plain.close())
    const { server, notifier } = await start({ port: plain.port })
    expect(await notifier.notify(notice, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'NOTICE_REFUSED' })
    const stranger = await start({ ca: undefined })
    expect(await stranger.notifier.notify(notice, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
    expect([plain.mails, server.mails, stranger.server.mails]).toEqual([[], [], []])
    expect(notifierSchema.safeParse({ host: 'mail.example.org', tls: 'none', from: 'a@example.org', to: 'b@example.org' }).success).toBe(false)
  })

  it('goes to a server on this machine without either', async () => {
    const plain = await startMailServer()
    onTestFinished(() => plain.close())
    const { notifier } = await start({ port: plain.port, tls: 'none', user: undefined, password: undefined })
    expect(await notifier.notify(notice, callWithin(5_000))).toMatchObject({ is: 'done' })
    expect(plain.mails).toMatchObject([{ secure: false, user: undefined }])
  })

  it.each([
    ['a login that is not right', { user: 'nobody' }, 'none', 'refused', 'NOTICE_REFUSED'],
    ['an address that the server does not take', { to: 'oncall@example.net' }, 'none', 'refused', 'NOTICE_REFUSED'],
    ['a server that takes it later (451)', {}, 'error', 'refused', 'RATE_LIMITED'],
    ['a server that never takes it (554)', {}, 'never', 'refused', 'REQUEST_REFUSED'],
    ['a connection that is cut before the server has said anything', {}, 'reset', 'unknown', 'UNREACHABLE'],
    ['authorities that are not there', { ca: 'none.pem' }, 'none', 'refused', 'REFERENCE_UNRESOLVED'],
  ] as const)('with %s: %j %s is %s %s, and nothing of the server is repeated', async (_, more, fault, is, code) => {
    const { server, notifier } = await start(more)
    server.fault = fault
    const answer = await notifier.notify(notice, callWithin(5_000))
    expect(answer).toMatchObject({ is, code })
    expect(inspect(answer, { depth: 9 })).not.toContain(server.password)
    expect(inspect(answer, { depth: 9 })).not.toMatch(/ no\b/)
  })

  it('needs nodemailer beside keyturn, and says so', async () => {
    await expect(loadLibrary(() => Promise.reject(new Error('none')))).rejects.toMatchObject({ code: 'PACKAGE_MISSING', about: 'nodemailer (npm install nodemailer@10)' })
  })
})
