import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * One that nobody listens on now, below those that the kernel gives to outgoing connections: one of these may take it before the
 * program for which it is. With `beside`, the port that is so much higher is free, too.
 */
export async function freePort(beside = 0): Promise<number> {
  const port = randomInt(20_000, 32_000)
  return (await isFree(port)) && (beside === 0 || (await isFree(port + beside))) ? port : freePort(beside)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = await new Promise<boolean>((resolve) => { server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)) })
  if (listening) await new Promise((resolve) => { server.close(resolve) })
  return listening
}
