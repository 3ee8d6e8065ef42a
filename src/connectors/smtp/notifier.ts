import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { type Answer, done, label, placeLabel, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Notifier } from '../../kit/notifier.ts'
import type { Secret } from '../../kit/secret.ts'
import { loadLibrary, type Library } from './library.ts'
import type { NotifierConfig } from './manifest.ts'
import { messageOf } from './message.ts'
import { outcomeOf } from './outcome.ts'

/** What one delivery needs, resolved. */
interface Delivery {
  readonly message: Buffer
  readonly password?: Secret
  readonly ca?: string
}

/** Sends notices by mail, each on a connection of its own. Delivered when the server says that it has it; where it goes from there is the server's. */
export function openNotifier(config: NotifierConfig, host: Host): Notifier {
  const place = placeLabel(config.host, config.port)
  return {
    title: () => `smtp ${place} to ${config.to}`,
    notify: async (notice, call) => {
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.timeout))])
      if (signal.aborted) return refused('DEADLINE', place)
      try {
        const library = await loadLibrary()
        const password = config.password === undefined ? undefined : await host.resolve(config.password)
        if (password !== undefined) host.conceal(password)
        const ca = config.ca === undefined ? undefined : await authorities(resolve(host.base, config.ca))
        const message = await messageOf(notice, config, library)
        return await send(config, { message, ...(password === undefined ? {} : { password }), ...(ca === undefined ? {} : { ca }) }, library, signal, place)
      } catch (thrown) {
        if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
        throw thrown
      }
    },
  }
}

async function authorities(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new KeyturnError('REFERENCE_UNRESOLVED', `the authorities in ${file}`, { cause })
  })
}

/** One connection, from its greeting to the server's word. It dies at the deadline. */
function send({ host, port, tls, user, from, to }: NotifierConfig, { message, password, ca }: Delivery, { Connection }: Library, signal: Call['signal'], about: string): Promise<Answer<void>> {
  const connection = new Connection({
    host, port, secure: tls === 'implicit', requireTLS: tls === 'starttls', ignoreTLS: tls === 'none', name: label(hostname()), socketCloseTimeout: 0,
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
  })
  let handed = false
  return new Promise<Answer<void>>((settle) => {
    const end = (answer: Answer<void>): void => {
      // The first answer counts: closing tells of an end as well.
      settle(answer)
      signal.removeEventListener('abort', late)
      connection.close()
    }
    const late = (): void => end(outcomeOf({ code: 'ETIMEDOUT' }, handed, about))
    const failed = (thrown: unknown): void => end(outcomeOf(thrown, handed, about))
    const hand = (): void => {
      handed = true
      connection.send({ from, to: [to] }, message, (error) => {
        if (error === null || error === undefined) return end(done(undefined))
        if (isBefore(error)) handed = false
        failed(error)
      })
    }
    signal.addEventListener('abort', late, { once: true })
    // Stays on: a socket may fail again after the first error.
    connection.on('error', failed)
    connection.once('end', () => failed({ code: 'ECONNECTION' }))
    connection.connect((error?: unknown) => {
      if (error !== undefined && error !== null) return failed(error)
      if (user === undefined || password === undefined) return hand()
      connection.login({ credentials: { user, pass: password.reveal() } }, (refusal) => (refusal === null || refusal === undefined ? hand() : failed(refusal)))
    })
  })
}

/** Whether a failure came before the message itself was sent: at the sender, or at the addresses. */
function isBefore(error: { readonly command?: unknown }): boolean {
  return error.command === 'MAIL FROM' || error.command === 'RCPT TO'
}
