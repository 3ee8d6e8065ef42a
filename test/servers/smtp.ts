import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { ALNUM, generate } from '../../src/kit/generate.ts'
import type { Certified } from '../fixture/certificates.ts'

/** What goes wrong: `slow` never answers a message, `error` refuses it for now (451), `never` for good (554), `reset` cuts the connection after it came. */
export type MailFault = 'none' | 'slow' | 'error' | 'never' | 'reset'

/** A real mail server on loopback, in this process. */
export interface MailServer {
  readonly port: number
  readonly user: string
  readonly password: string
  fault: MailFault
  /** What it took, with the way that it came. */
  readonly mails: readonly { readonly from: string; readonly to: readonly string[]; readonly text: string; readonly secure: boolean; readonly user: string | undefined }[]
  /** Stops listening and ends every connection. May be repeated. */
  close(): Promise<void>
}

/** Starts one. It takes mail for `@example.org` alone, from who logged in where there is a certificate. */
export async function startMailServer(certificate?: Certified): Promise<MailServer> {
  const mails: MailServer['mails'][number][] = []
  const [user, password] = [`keyturn-${generate(ALNUM, 6)}`, generate(ALNUM, 24)]
  const refusal = (status: number): Error => Object.assign(new Error('no'), { responseCode: status })
  const server = new SMTPServer({
    ...(certificate === undefined ? { disabledCommands: ['STARTTLS', 'AUTH'], authOptional: true } : { cert: certificate.cert, key: certificate.key }),
    logger: false,
    onAuth: (auth, _session, answer) => (auth.username === user && auth.password === password ? answer(null, { user }) : answer(refusal(535))),
    onRcptTo: ({ address }, _session, answer) => answer(address.endsWith('@example.org') ? null : refusal(550)),
    onData: (stream, session, answer) => {
      buffer(stream).then((bytes) => {
        if (mail.fault === 'error' || mail.fault === 'never') return answer(refusal(mail.fault === 'error' ? 451 : 554))
        const { mailFrom, rcptTo } = session.envelope
        mails.push({ from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address), text: bytes.toString('utf8'), secure: session.secure === true, user: session.user === undefined ? undefined : String(session.user) })
        if (mail.fault === 'reset') for (const socket of sockets) socket.destroy()
        else if (mail.fault !== 'slow') answer()
      }, answer)
    },
  })
  // A client that goes away is no failure of ours.
  server.on('error', () => undefined)
  const sockets = new Set<{ destroy(): void }>()
  server.server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  const mail: MailServer = {
    port, user, password, fault: 'none', mails,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        if (!server.server.listening) return resolve()
        server.close(() => resolve())
      }),
  }
  return mail
}
