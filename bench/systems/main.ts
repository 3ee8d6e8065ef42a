import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startServer } from '../../demo/server.ts'
import { compare, type Compared, WAYS } from './compare.ts'
import { LIFETIME_SECONDS } from './pool.ts'
import { table } from './table.ts'
import { openWorld } from './world.ts'

const USAGE = `npm run bench:systems -- [WAY...] [--rounds N] [--rate N] [--json | --markdown] [--out FILE]
  WAY       ${WAYS.map(({ id }) => id).join(', ')}; all of them when none is named
  --rounds  of each way, in turn; 3 when absent
  --rate    operations a second over two instances; 100 when absent
  --json    print JSON instead of the table; --markdown: the table as docs/benchmarks.md has it
  --out     also write the JSON to a file

It brings Vault (built with Go) and moto (Python) where a way needs them: minutes the first time.`

/** Later than this the load itself was disturbed, ms. */
const DISTURBED_MS = 50

/** Plays the named ways under the same load and prints the table. Answers the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args], allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '3' }, rate: { type: 'string', default: '100' }, out: { type: 'string' },
      json: { type: 'boolean', default: false }, markdown: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
    },
  })
  const strangers = positionals.filter((name) => !WAYS.some(({ id }) => id === name))
  const [rounds, rate] = [Number(values.rounds), Number(values.rate)]
  const wrong = strangers.length > 0 || !Number.isInteger(rounds) || rounds < 1 || !(rate > 0)
  if (values.help || wrong) {
    console.error(strangers.length > 0 ? `There is no way ${strangers.join(', ')}.\n${USAGE}` : USAGE)
    return values.help ? 0 : 2
  }
  const ways = WAYS.filter(({ id }) => positionals.length === 0 || positionals.includes(id))
  const world = openWorld()
  // The servers of others do not end with this process by themselves.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void world.close().finally(() => process.exit(130)))
  const server = await startServer()
  try {
    const compared = await compare(server.adminUrl, world, ways, { rounds, rate, calm: 2_000 }, (way, round) => {
      if (process.stderr.isTTY) process.stderr.write(`${way.title}: ${round.failed} of ${round.operations} failed, gap ${Math.round(round.gap)} ms\n`)
    })
    const json = JSON.stringify({ node: process.version, platform: `${process.platform} ${process.arch}`, ...compared }, null, 2)
    if (values.json) console.log(json)
    else for (const line of lines(compared, values.markdown ? 'markdown' : 'columns')) console.log(line)
    if (values.out !== undefined) writeFileSync(values.out, `${json}\n`)
    return 0
  } finally {
    await world.close()
    await server.stop()
  }
}

function lines(compared: Compared, form: 'columns' | 'markdown'): string[] {
  const { server, sizes, busy, lag, rows } = compared
  return [
    `${server}, a service of two instances with pools of pg, whose connections live ${LIFETIME_SECONDS} s at most; ${sizes.rate} operations a second on a fixed schedule, no retries.`,
    `${sizes.rounds} rounds of each, in turn; the median, in brackets the worst. "No answer" is what took longer than 2 s.`,
    '',
    ...table(rows, WAYS, form),
    '',
    `The machine (${compared.cpus} processors) was busy for ${Math.round(busy * 100)}% of the time${lag > DISTURBED_MS
      ? `; the load itself was up to ${Math.round(lag)} ms late, so single failures and gaps of that size say nothing here`
      : ', and the load was never more than 50 ms late'}.`,
  ]
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
