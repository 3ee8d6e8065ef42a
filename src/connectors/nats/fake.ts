import { type FaultyTcp, startFaultyTcp, type Talk } from '../../testing/faulty-tcp.ts'
import { type Frame, splitFrames } from './frames.ts'

/** The request by which an account is changed: the only one with an effect. */
export const CHANGE = /^PUB \$SYS\.REQ\.CLAIMS\.UPDATE /

/** Its errors are what the server says of a failure. */
export type FaultyProxy = FaultyTcp<string>

/** In front of a NATS server, real or pretended: mishaps befall what is published. */
export function faultyProxy(server: { readonly port: number }): Promise<FaultyProxy> {
  return startFaultyTcp(server, talk)
}

function talk(): Talk<string> {
  // By which number a client listens to an inbox, for an error that is said in the server's place.
  const listening = new Map<string, string>()
  let reply = ''
  return {
    split: (each) => splitFrames(({ words, bytes }: Frame) => {
      const [verb = '', subject = '', inbox = ''] = words
      if (verb === 'SUB') listening.set(subject, words.at(-1) ?? '')
      if (verb === 'PUB') reply = inbox
      each({ bytes, asks: verb === 'PUB' ? words.join(' ') : undefined })
    }),
    refuse(description) {
      const said = JSON.stringify({ server: {}, error: { account: 'n/a', code: 500, description } })
      return `MSG ${reply} ${listening.get(reply) ?? ''} ${said.length}\r\n${said}\r\n`
    },
  }
}
