import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'

// A service as a process of its own: `node service.ts PORT`. It signs with JWT_SECRET and accepts what that key or JWT_SECRET_PREVIOUS
// signed; both are what they were when it started.

const { JWT_SECRET: current = '', JWT_SECRET_PREVIOUS: previous = '' } = process.env
const signed = (key: string): string => createHmac('sha256', key).update('who').digest('hex')

createServer((request, response) => {
  const token = request.headers['authorization'] ?? ''
  if (request.url === '/token') response.end(signed(current))
  else if (request.url === '/ready') response.end(JSON.stringify({ ready: current !== '' }))
  else response.writeHead([current, previous].some((key) => key !== '' && token === signed(key)) ? 200 : 401).end()
}).listen(Number(process.argv[2]), '127.0.0.1')
