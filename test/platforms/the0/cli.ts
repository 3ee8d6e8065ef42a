import { openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ReadStream } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { roll } from '../rolling.ts'

// The platform's own command, as far as its runbook has it, and what `docker compose up --force-recreate` does there:
//   node cli.ts FOLDER local admin set --email EMAIL     asks for the password twice, writes the env file, recreates the API
//   node cli.ts FOLDER up SERVICE...

const [folder = '.', first, ...words] = process.argv.slice(2)
const program = fileURLToPath(new URL('service.ts', import.meta.url))

/** On the terminal, in raw mode: what is typed does not show. */
async function ask(input: ReadStream, terminal: number, prompt: string): Promise<string> {
  writeSync(terminal, prompt)
  let typed = ''
  return new Promise((resolve) => {
    const take = (data: Buffer): void => {
      for (const key of data.toString()) {
        if (key !== '\r') {
          typed += key
          continue
        }
        input.off('data', take)
        writeSync(terminal, '\r\n')
        resolve(typed)
        return
      }
    }
    input.on('data', take)
  })
}

async function setAdmin(email: string): Promise<void> {
  const terminal = openSync('/dev/tty', 'r+')
  const input = new ReadStream(terminal)
  input.setRawMode(true)
  const password = await ask(input, terminal, 'Password: ')
  if (await ask(input, terminal, 'Repeat password: ') !== password) process.exit(1)
  const file = join(folder, '.env')
  const text = readFileSync(file, 'utf8').replace(/^THE0_ADMIN_EMAIL=.*$/m, `THE0_ADMIN_EMAIL=${email}`).replace(/^THE0_ADMIN_PASSWORD=.*$/m, `THE0_ADMIN_PASSWORD=${password}`)
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  await roll(program, folder, 'the0-api')
  process.exit(0)
}

if (first === 'up') for (const name of words) await roll(program, folder, name)
else await setAdmin(words.at(-1) ?? '')
