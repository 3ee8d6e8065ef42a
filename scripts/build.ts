import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { writeBundle } from './build/bundle.ts'

// A clean dist/, so that a file that was renamed is not published under its old name too.
rmSync('dist', { recursive: true, force: true })
await writeBundle('dist')
process.exitCode = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' }).status ?? 1
