import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { type FaultyTcp, startFaultyTcp } from './faulty-tcp.ts'
import { until } from './until.ts'

interface Line extends FaultyTcp<string> {
  /** The lines that the server got, in order. */
  readonly got: readonly string[]
  /** A client: what it has heard, and whether its connection has ended. */
  open(): Promise<{ readonly socket: Socket; readonly heard: () => string; readonly ended: () => boolean }>
}

/** A server that answers `ok LINE` to each line, behind a proxy that knows where a line ends. */
async function startLine(): Promise<Line> {
  const got: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\n').filter(Boolean)) {
        got.push(line)
        socket.write(`ok ${line}\n`)
      }
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const proxy = await startFaultyTcp<string>({ port: (server.address() as AddressInfo).port }, () => ({
    split: (each) => (chunk) => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) each({ bytes: Buffer.from(`${line}\n`), asks: line })
    },
    refuse: (error) => `error ${error}\n`,
  }))
  onTestFinished(async () => {
    await proxy.close()
    await new Promise((resolve) => { server.close(resolve) })
  })
  return {
    ...proxy, got,
    async open() {
      const socket = connect(proxy.port, '127.0.0.1')
      let [heard, ended] = ['', false]
      socket.on('error', () => undefined).on('close', () => { ended = true }).on('data', (bytes) => { heard += bytes.toString() })
      await once(socket, 'connect')
      onTestFinished(() => void socket.destroy())
      return { socket, heard: () => heard, ended: () => ended }
    },
  }
}

it('what is held is done before anything that is asked after it on the same connection', async () => {
  const line = await startLine()
  const { socket, heard } = await line.open()
  line.inject({ on: /^late$/, act: 'hold', ms: 30 })
  socket.write('late\nsecond\n')
  socket.write('third\n')
  await until(() => heard().includes('third'))
  expect(line.got).toEqual(['late', 'second', 'third'])
})

it('what is held reaches the server though its client has gone', async () => {
  const line = await startLine()
  const { socket, ended } = await line.open()
  line.inject({ on: /^late$/, act: 'hold', ms: 30 })
  socket.end('late\n')
  await until(() => line.wire() === 'late\n')
  socket.destroy()
  await until(() => ended())
  expect(line.got).toEqual([])
  await until(() => line.got.length > 0)
  expect(line.got).toEqual(['late'])
})

it('a mishap meets the next message that matches, once', async () => {
  const line = await startLine()
  const { socket, heard } = await line.open()
  line.inject({ on: /^set/, act: 'error', error: 'no' })
  for (const [at, each] of ['get', 'set', 'set'].entries()) {
    socket.write(`${each}\n`)
    await until(() => heard().split('\n').length > at + 1)
  }
  expect(heard()).toBe('ok get\nerror no\nok set\n')
})

it('an answer that is lost is lost after the server has the message; what is cut never gets there', async () => {
  const line = await startLine()
  const [lost, cut] = [await line.open(), await line.open()]
  line.inject({ on: /^lost$/, act: 'lose-answer' })
  line.inject({ on: /^cut$/, act: 'cut' })
  lost.socket.write('lost\n')
  cut.socket.write('cut\n')
  await until(() => lost.ended() && cut.ended())
  expect([line.got, lost.heard(), cut.heard()]).toEqual([['lost'], '', ''])
})
