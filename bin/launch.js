import { existsSync, readFileSync } from 'node:fs'
import { keepCompiled } from './compiled.js'
import { keepYoungSmall } from './young.js'

// node:sqlite and type stripping warn that they are experimental; a tool's stderr is for its own words.
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`)
})

if (process.argv[2] === '--version' || process.argv[2] === '-V') {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(`${version}\n`)
} else {
  if (process.argv[2] === 'run' && !process.argv.includes('--once')) keepYoungSmall(process)
  // A checkout has the sources, the published package has dist/ only.
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const packaged = !existsSync(source)
  if (packaged) keepCompiled(process.env)
  const { main } = await import(packaged ? new URL('../dist/cli/main.js', import.meta.url).href : source.href)
  process.exitCode = await main(process.argv.slice(2))
}
