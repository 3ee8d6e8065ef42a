import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { queryAt } from '../servers/postgres.ts'
import { expectRun, useTheatre } from './theatre.ts'

const theatre = useTheatre()

it('a whole rotation leaves no value anywhere but in the env file, in no encoding (S0-02, X-08)', async () => {
  const world = await theatre.open({ instances: 1 })
  expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
  expect(readdirSync(world.recorded).length).toBeGreaterThan(1)
  expect(await world.leaks()).toEqual([])
})
