import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The versions that the package is tried on: one that is too old, the oldest that works, and the one of development. */
export const NODES = ['20.19.0', '22.18.0', '24.11.0'] as const

/** The binary of this version, from the npm registry, kept in a cache outside the tree. */
export function nodeBinary(version: string): string {
  const folder = join(process.env['KEYTURN_TEST_CACHE'] ?? join(homedir(), '.cache', 'keyturn-test'), `node-${version}`)
  const binary = join(folder, 'node_modules', '.bin', 'node')
  if (existsSync(binary)) return binary
  mkdirSync(folder, { recursive: true })
  // npm asks for each package that may run its install script; node's fetches its binary from the registry.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }))
  const installed = spawnSync('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `node@${version}`], { encoding: 'utf8' })
  if (!existsSync(binary)) throw new Error(`node ${version} cannot be installed:\n${installed.stderr}`)
  return binary
}
