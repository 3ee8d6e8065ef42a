import { parseArgs } from 'node:util'
import { startLoad, type Load } from './load.ts'
import { playNaive } from './naive.ts'
import { number } from './play.ts'
import { playRotation } from './rotation.ts'
import { setScenery } from './scenery.ts'
import { openScreen, type Screen } from './screen.ts'

// npm run demo              two rotations under load, one of them killed in the middle
// npm run demo -- --naive   the classic procedure under the same load

const rate = 240

async function main(naive: boolean, signal: AbortSignal): Promise<boolean> {
  let load: Load | undefined
  let screen: Screen | undefined
  const setting = setScenery()
  try {
    process.stdout.write('Starting a PostgreSQL and two instances of a service ...\n')
    const stage = await setting
    signal.throwIfAborted()
    const started = startLoad(stage.instances.map(({ url }) => `${url}/work`), rate)
    load = started
    screen = openScreen(process.stdout, process.stdout.isTTY && process.env['NO_COLOR'] === undefined, () => {
      const { requests, failed, longest } = started.now()
      return `${number(requests)} requests, ${number(failed)} failed, longest ${Math.round(longest)} ms`
    })
    screen.line(`Each request is a query; connections live at most 1 s; ${rate} requests/s; over 2 s counts as failed.`)
    const play = { stage, load, screen, rate, signal }
    return await (naive ? playNaive(play) : playRotation(play))
  } finally {
    screen?.close()
    await load?.stop()
    await setting.then((stage) => stage.teardown(), () => undefined)
  }
}

/** Aborted by Ctrl-C, by a request to end, and when nobody reads any more. */
function listenForTheEnd(): AbortSignal {
  const leaving = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => leaving.abort())
  }
  process.stdout.on('error', () => leaving.abort())
  return leaving.signal
}

/** Ends with the usage for anything but `--naive`. */
function readArguments(): { readonly naive: boolean } {
  try {
    return parseArgs({ options: { naive: { type: 'boolean', default: false } } }).values
  } catch {
    process.stderr.write('npm run demo              two rotations under load, one of them killed in the middle\n')
    process.stderr.write('npm run demo -- --naive   the classic procedure under the same load\n')
    return process.exit(2)
  }
}

if (import.meta.main) {
  const values = readArguments()
  // Settings of this shell for other databases (PGSSLMODE and the like) are not for this one.
  for (const name of Object.keys(process.env)) if (name.startsWith('PG')) delete process.env[name]
  const signal = listenForTheEnd()
  try {
    const good = await main(values.naive, signal)
    process.exit(good ? 0 : 1)
  } catch (error) {
    if (!signal.aborted) console.error(error)
    process.exit(signal.aborted ? 130 : 1)
  }
}
