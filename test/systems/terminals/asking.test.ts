import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ALNUM, generate, Secret } from '../../../src/kit/index.ts'
import { runOnTerminal } from '../../../src/outside/process/terminal.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { tempFolder } from '../../fixture/state.ts'
import { runProgram } from '../parts/program.ts'
import { programs } from './system.ts'

const python = await programs.python.bring()
const openssl = await programs.openssl.bring()
const bash = await programs.bash.bring()

interface Asks {
  readonly argv: readonly string[]
  readonly prompts: readonly string[]
  /** What it made of the value, in the file `took`, for this value. */
  readonly made: (value: string, took: string) => Promise<string> | string
}

const GETPASS = "import getpass; a = getpass.getpass('New password for root: '); b = getpass.getpass('Again: '); open('took', 'w').write(a if a == b else 'differ')"

const ASKING: Readonly<Record<string, Asks>> = {
  'getpass of Python': { argv: [python, '-c', GETPASS], prompts: ['New password for root:', 'Again:'], made: (value) => value },
  'read -s of bash': { argv: [bash, '-c', "read -rsp 'Password: ' word; printf %s \"$word\" > took"], prompts: ['Password:'], made: (value) => value },
  'openssl passwd': {
    argv: ['/bin/sh', '-c', `${openssl} passwd -6 > took`],
    prompts: ['Password:', 'Verifying - Password:'],
    made: async (value, took) => {
      const salt = took.split('$')[2] ?? ''
      return (await runProgram(openssl, ['passwd', '-6', '-salt', salt, '-stdin'], { env: {}, input: `${value}\n` })).out
    },
  },
}

it.each(Object.entries(ASKING))('%s takes a value that is typed for it (S4-04, C-33)', async (_name, { argv, prompts, made }) => {
  const [cwd, value] = [tempFolder(), generate(ALNUM, 40)]
  const questions = prompts.map((prompt) => ({ prompt, answer: new Secret(value), hidden: true }))
  expect(await runOnTerminal({ argv, cwd, questions }, callWithin(20_000))).toMatchObject({ is: 'done', value: { exit: 0, asked: prompts.length } })
  const took = readFileSync(join(cwd, 'took'), 'utf8')
  expect(took).toBe(await made(value, took))
  expect(took).not.toBe('')
})
