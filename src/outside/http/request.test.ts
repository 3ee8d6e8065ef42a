import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { until } from '../../testing/until.ts'
import { request } from './request.ts'

describe('request', () => {
  const open: Server[] = []
  const listen = async (server: Server): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push(server)
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const serve = (listener: RequestListener): Promise<string> => listen(createServer(listener))
  afterEach(async () => {
    for (const server of open.splice(0)) {
      if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('sends and gives bytes as they are where they are no text', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at))
    const url = await serve((incoming, response) => { incoming.pipe(response) })
    const answer = await request({ method: 'PUT', url, body: bytes, bytes: true }, callWithin(5_000))
    expect(answer.is === 'done' && Buffer.from(answer.value.text, 'latin1').equals(bytes)).toBe(true)
  })

  it('gives the status and the body of any answer, and shows secrets to the server only', async () => {
    const value = generate(ALNUM, 32)
    let seen: IncomingMessage['headers'] = {}
    const url = await serve((incoming, response) => {
      seen = incoming.headers
      response.writeHead(418).end('ä tea pot')
    })
    const answer = await request(
      { method: 'POST', url, headers: { Authorization: new Secret(value) }, body: new Secret('é') },
      callWithin(5_000),
    )
    expect(answer).toMatchObject({ is: 'done', value: { status: 418, text: 'ä tea pot', complete: true } })
    expect(seen).toMatchObject({ authorization: value, 'content-length': '2' })
    expect(JSON.stringify(answer)).not.toContain(value)
  })

  it("tells the server's clock in whole seconds, where it shows one", async () => {
    const clock = Date.UTC(2026, 0, 1, 3)
    const dated = await serve((_, response) => response.setHeader('date', new Date(clock + 400).toUTCString()).end())
    expect(await request({ method: 'GET', url: dated }, callWithin(5_000))).toMatchObject({ is: 'done', value: { date: clock } })
    const bare = await serve((_, response) => {
      response.sendDate = false
      response.end()
    })
    const answer = await request({ method: 'GET', url: bare }, callWithin(5_000))
    expect(answer.is === 'done' && 'date' in answer.value).toBe(false)
  })

  it('follows no redirect, so that a header goes to no other host', async () => {
    let elsewhere = 0
    const other = await serve((_, response) => {
      elsewhere += 1
      response.end()
    })
    const url = await serve((_, response) => response.writeHead(302, { location: other }).end())
    expect(await request({ method: 'GET', url }, callWithin(5_000))).toMatchObject({ is: 'done', value: { status: 302 } })
    expect(elsewhere).toBe(0)
  })

  it('tells not connected (refused) from cut and late (unknown) (X-10)', async () => {
    const gone = createSocketServer()
    const port = await listen(gone)
    await new Promise((resolve) => gone.close(resolve))
    open.splice(0)
    expect(await request({ method: 'GET', url: port }, callWithin(5_000))).toMatchObject({
      is: 'refused',
      code: 'UNREACHABLE',
      evidence: { cause: 'ECONNREFUSED' },
    })

    const cutting = await listen(createSocketServer((socket) => socket.once('data', () => socket.resetAndDestroy())))
    const cut = await request({ method: 'POST', url: cutting, body: 'x' }, callWithin(5_000))
    expect(cut).toMatchObject({ is: 'unknown', code: 'UNREACHABLE' })

    const half = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('x', () => response.destroy())
    })
    expect(await request({ method: 'GET', url: half }, callWithin(5_000))).toMatchObject({ is: 'unknown', code: 'UNREACHABLE' })

    const upgrade = 'HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
    const upgrading = await listen(createSocketServer((socket) => socket.resume().end(upgrade)))
    const upgraded = await request({ method: 'GET', url: upgrading }, callWithin(5_000))
    expect(upgraded).toMatchObject({ is: 'unknown', code: 'UNREACHABLE' })

    const silent = await serve(() => undefined)
    const call = callWithin(200)
    expect(await request({ method: 'GET', url: silent }, call)).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    expect(Date.now()).toBeLessThan(call.deadline + 1_000)

    const dripping = await serve((_, response) => void response.writeHead(200).write('x'))
    expect(await request({ method: 'GET', url: dripping }, callWithin(200))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
  })

  it('says which host and port could not be reached, and nothing else of the URL', async () => {
    const gone = createSocketServer()
    const url = await listen(gone)
    await new Promise((resolve) => gone.close(resolve))
    open.splice(0)
    const value = generate(ALNUM, 32)
    const answer = await request({ method: 'GET', url: `${url}/path/${value}?key=${value}#${value}` }, callWithin(5_000))
    expect(answer).toMatchObject({ is: 'refused', code: 'UNREACHABLE', about: url.slice('http://'.length) })
    expect(JSON.stringify(answer)).not.toContain(value)
    const aborted = { signal: AbortSignal.abort() }
    for (const [asked, about] of [['https://a.example/x', 'a.example:443'], ['http://a.example', 'a.example:80'], ['http://[::1]/', '[::1]:80'], ['https://[::1]:8443/', '[::1]:8443']] as const) {
      expect(await request({ method: 'GET', url: asked }, aborted)).toMatchObject({ code: 'DEADLINE', about })
    }
  })

  it('sends nothing when the deadline has passed or TLS is not agreed on', async () => {
    let connections = 0
    const plain = await listen(createSocketServer((socket) => {
      connections += 1
      socket.once('data', () => socket.end('no TLS here'))
    }))
    const late = await request({ method: 'GET', url: plain }, { signal: AbortSignal.abort() })
    expect(late).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    expect(connections).toBe(0)
    const secure = plain.replace('http:', 'https:')
    expect(await request({ method: 'GET', url: secure }, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
  })

  it('refuses what cannot be sent without telling it', async () => {
    const value = generate(ALNUM, 32)
    const url = await serve((_, response) => response.end())
    const answers = [
      await request({ method: 'GET', url, headers: { authorization: new Secret(`${value}\nx: y`) } }, callWithin(5_000)),
      await request({ method: 'GET', url: `http://user:${value}@127.0.0.1/` }, callWithin(5_000)),
      await request({ method: 'GET', url: `nonsense ${value}` }, callWithin(5_000)),
    ]
    for (const answer of answers) expect(answer).toMatchObject({ is: 'refused', code: 'MANIFEST_INVALID' })
    expect(JSON.stringify(answers)).not.toContain(value)
  })

  it('reads at most 1 MiB', async () => {
    const url = await serve((_, response) => response.end('x'.repeat(3_000_000)))
    const answer = await request({ method: 'GET', url }, callWithin(5_000))
    if (answer.is !== 'done') throw new Error(answer.is)
    expect(answer.value.text).toHaveLength(1024 * 1024)
    expect(answer.value.complete).toBe(false)
  })

  it('stops reading an endless stream when it has seen enough, or after `readFor`', async () => {
    const url = await serve((_, response) => void response.writeHead(200).write('one two'))
    const enough = await request({ method: 'GET', url, until: (text) => text.includes('two') }, callWithin(20_000))
    expect(enough).toMatchObject({ is: 'done', value: { text: 'one two', complete: false } })
    const late = await request({ method: 'GET', url, readFor: 100 }, callWithin(20_000))
    expect(late).toMatchObject({ is: 'done', value: { text: 'one two', complete: false } })
  })

  it('leaves no connection open', async () => {
    const server = createServer((_, response) => void response.writeHead(200).write('x'))
    const url = await listen(server)
    await request({ method: 'GET', url, until: () => true }, callWithin(5_000))
    await until(async () => (await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))) === 0)
  })
})
