import { existsSync, readFileSync } from 'node:fs'
import { createServer, request as ask } from 'node:http'
import { join } from 'node:path'

// What stands before the services, as a process of its own: `node edge.ts FOLDER NAME=PORT...`. Each port leads to the instance that runs
// now, by FOLDER/run/NAME.json. Nothing is asked twice: a request that meets no instance has failed. It ends when FOLDER is taken away.

const [folder = '.', ...services] = process.argv.slice(2)

for (const [name = '', port] of services.map((service) => service.split('='))) {
  createServer((incoming, response) => {
    const { port: to } = JSON.parse(readFileSync(join(folder, 'run', `${name}.json`), 'utf8')) as { readonly port: number }
    const sending = ask({ host: '127.0.0.1', port: to, method: incoming.method, path: incoming.url, headers: { ...incoming.headers, connection: 'close' }, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    sending.on('error', () => response.writeHead(502).end('{}'))
    incoming.pipe(sending)
  }).listen(Number(port), '127.0.0.1')
}

setInterval(() => {
  if (!existsSync(folder)) process.exit(0)
}, 500)
