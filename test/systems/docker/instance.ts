import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { codeOf } from '../rig/client.ts'
import connect from '../postgres/client.ts'

// One instance of a service in a container: `node instance.ts PORT...`. It logs in with what its environment says, and listens on
// the first of the ports that is free. At SIGTERM it says that it is not ready, serves on for a while, and ends.

/** Longer than any look of the round-robin, milliseconds. */
const DRAIN = 1_500

const ports = process.argv.slice(2).map(Number)
const client = await connect(process.env, 'live')
let draining = false

const server = createServer((request, response) => {
  if (request.url === '/readyz') {
    response.writeHead(draining ? 503 : 200).end()
    return
  }
  client.work().then(() => response.writeHead(200).end('{}'), (thrown: unknown) => response.writeHead(500).end(JSON.stringify({ sqlstate: codeOf(thrown) })))
})

async function listens(port: number): Promise<boolean> {
  server.listen(port, '127.0.0.1')
  // One of the two comes; `once` rejects with an error, which here is EADDRINUSE.
  return once(server, 'listening').then(() => true, () => false)
}

let listening = false
for (const port of ports) listening ||= await listens(port)
if (!listening) process.exit(1)
writeFileSync('/tmp/well', '')

process.on('SIGTERM', () => {
  draining = true
  setTimeout(() => {
    server.close(() => {
      void client.close().finally(() => process.exit(0))
    })
    server.closeIdleConnections()
  }, DRAIN)
})
