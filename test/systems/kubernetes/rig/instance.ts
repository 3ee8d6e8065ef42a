import { createServer } from 'node:http'
import connect from '../../postgres/client.ts'
import { codeOf } from '../../rig/client.ts'

// One instance of a service in a pod: `node instance.ts PORT`. It logs in with what its environment says. At SIGTERM it serves on
// while the endpoints change and the requests under way end, as a pod should, and then ends.

/** Longer than it takes until nobody is sent here any more, milliseconds. */
const DRAIN = 1_500

const [port = '0'] = process.argv.slice(2)
const client = await connect(process.env, process.env['POD'] ?? 'live')

const server = createServer((request, response) => {
  if (request.url === '/readyz') {
    response.writeHead(200).end()
    return
  }
  client.work().then(() => response.writeHead(200).end('{}'), (thrown: unknown) => response.writeHead(500).end(JSON.stringify({ sqlstate: codeOf(thrown) })))
})
server.listen(Number(port))

process.on('SIGTERM', () => {
  setTimeout(() => {
    server.close(() => {
      void client.close().finally(() => process.exit(0))
    })
    server.closeIdleConnections()
  }, DRAIN)
})
