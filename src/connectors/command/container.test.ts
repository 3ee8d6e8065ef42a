import { describe, expect, it } from 'vitest'
import { restartNotice } from './container.ts'

describe('a command that restarts containers (C-06, C-07)', () => {
  it.each([['docker', 'restart', 'web'], ['/usr/bin/docker', 'compose', '-f', 'compose.yaml', 'restart', 'web'], ['docker-compose', 'restart', '{services}'], ['podman', 'restart', 'web']])('%s %s %s ... is said not to change the environment', (...argv) => {
    expect(restartNotice(argv)).toMatch(/keeps the environment/)
  })

  it('with a flag that there is not is said to be wrong', () => {
    expect(restartNotice(['docker', 'compose', 'restart', '--force-recreate', 'web'])).toMatch(/has no `--force-recreate`/)
  })

  it.each([['docker', 'compose', 'up', '-d', '--force-recreate', 'web'], ['systemctl', 'restart', 'web'], ['./restart', 'docker']])('%s %s %s ... is not', (...argv) => {
    expect(restartNotice(argv)).toBeUndefined()
  })
})
