import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server that can fail. */
export interface Proxy {
  /** The URL that it was made for, by this way. */
  readonly url: string
  /**
   * The next time that a client sends this text its connection is cut: `before` the server has seen it, or `after` the server has
   * answered, without the answer.
   */
  cutAt(text: string, when: 'before' | 'after'): void
  /** Cuts every connection that is open now. */
  cut(): void
  /** From now on nothing goes either way, and nothing is closed; `false` ends it for new connections. */
  silence(on: boolean): void
  /** From now on nobody gets through; `false` ends it. */
  refuse(on: boolean): void
  close(): Promise<void>
}

/** Listens on a port of its own, in front of the server of this URL. */
export async function startProxy(target: string): Promise<Proxy> {
  const to = new URL(target)
  const pairs = new Set<readonly [Socket, Socket]>()
  let cutting: { readonly text: string; readonly when: 'before' | 'after' } | undefined
  let silent = false
  let refusing = false
  const server = createServer((client) => {
    if (refusing) {
      client.destroy()
      return
    }
    const upstream = connect(Number(to.port), to.hostname)
    const pair = [client, upstream] as const
    pairs.add(pair)
    let swallow = false
    const end = (): void => {
      pairs.delete(pair)
      for (const each of pair) each.destroy()
    }
    for (const each of pair) each.on('error', end).on('close', () => { if (!silent) end() })
    client.on('data', (sent) => {
      if (silent) return
      if (cutting !== undefined && sent.includes(cutting.text)) {
        swallow = cutting.when === 'after'
        cutting = undefined
        if (!swallow) {
          end()
          return
        }
      }
      upstream.write(sent)
    })
    upstream.on('data', (answer) => {
      if (silent) return
      if (swallow) end()
      else client.write(answer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)
  const cut = (): void => {
    for (const [client, upstream] of pairs) {
      client.destroy()
      upstream.destroy()
    }
    pairs.clear()
  }
  return {
    url: url.href,
    cut,
    cutAt: (text, when) => { cutting = { text, when } },
    silence: (on) => { silent = on },
    refuse: (on) => { refusing = on },
    async close() {
      cut()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
