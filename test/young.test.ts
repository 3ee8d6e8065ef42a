import { expect, it } from 'vitest'

const { keepYoungSmall } = (await import(new URL('../bin/young.js', import.meta.url).href)) as { readonly keepYoungSmall: (process: object) => void }

/** A process as the launcher sees it; what it was replaced by. */
function pretend(execArgv: readonly string[], replaceable = true) {
  const calls: unknown[][] = []
  const execve = (...given: unknown[]): void => { calls.push(given) }
  return { calls, process: { execPath: '/bin/node', execArgv, argv: ['/bin/node', '/k/launch.js', 'run', '--json'], env: { A: 'b' }, ...(replaceable ? { execve } : {}) } }
}

it('a process that runs for days begins again with a small young generation, and with all that it was given', () => {
  const { calls, process } = pretend(['--import', 'x.mjs'])
  keepYoungSmall(process)
  expect(calls).toEqual([['/bin/node', ['/bin/node', '--import', 'x.mjs', '--max-semi-space-size=4', '/k/launch.js', 'run', '--json'], { A: 'b' }]])
})

it.each([
  ['that was begun again', ['--max-semi-space-size=4'], true],
  ['whose user chose another size', ['--max-semi-space-size=64'], true],
  ['that cannot be replaced', [], false],
])('one %s goes on as it is', (_, execArgv, replaceable) => {
  const { calls, process } = pretend(execArgv, replaceable)
  keepYoungSmall(process)
  expect(calls).toEqual([])
})
