import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'

// A clean dist/, so that a file that was renamed is not published under its old name too.
rmSync('dist', { recursive: true, force: true })
process.exitCode = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' }).status ?? 1
