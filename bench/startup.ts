import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inFolder } from './engine.ts'
import type { Figure } from './figure.ts'
import { buildPackage, runNode } from './package.ts'
import { difference, interleave, type Pair, sides } from './pairs.ts'

const nothing = (): Promise<void> => runNode(['-e', '0'])

/** What `keyturn --version` takes longer than an empty Node program. */
export async function measureVersion(rounds = 15): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const launcher = await buildPackage(folder)
    const pairs = await interleave(rounds, () => runNode([launcher, '--version']), nothing)
    return [{ name: 'version', says: '`keyturn --version` over `node -e 0`', value: difference(pairs), unit: 'ms', target: 40, from: from(pairs) }]
  })
}

export interface PlanSizes {
  readonly rounds: number
  readonly secrets: number
}

/**
 * What `keyturn plan --offline` of many secrets takes longer than an empty Node program: each with a PostgreSQL role, an env file of
 * its own that git ignores, a service that attests and a check.
 */
export async function measurePlan(sizes: PlanSizes = { rounds: 11, secrets: 200 }): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const launcher = await buildPackage(folder)
    const cwd = join(folder, 'system')
    await mkdir(cwd)
    await writeFile(join(cwd, '.gitignore'), '*.env\n')
    await writeFile(join(cwd, 'keyturn.yaml'), manifest(sizes.secrets))
    await promisify(execFile)('git', ['init', '--quiet', cwd])
    const env = { PATH: process.env['PATH'], HOME: folder }
    const pairs = await interleave(sizes.rounds, () => runNode([launcher, 'plan', '--offline'], { cwd, env }), nothing)
    const says = `\`plan --offline\` of ${sizes.secrets} secrets over \`node -e 0\``
    return [{ name: 'plan', says, value: difference(pairs), unit: 'ms', target: 300, from: from(pairs) }]
  })
}

function from(pairs: readonly Pair[]): Figure['from'] {
  const { subject, baseline } = sides(pairs)
  return { keyturn: subject, node: baseline, rounds: pairs.length }
}

function manifest(secrets: number): string {
  const secret = (name: string): string => `  ${name}:
    issuer: { use: postgres, admin: "\${env:PG_ADMIN_URL}", role: ${name}, strategy: alternate }
    stores:
      - { use: dotenv, file: ${name}.env, bind: { DATABASE_URL: "postgres://{user}:{password}@db:5432/${name}" } }
    consumers:
      - wave:
          - use: process
            instances: [{ name: ${name}, pidFile: /run/${name}.pid, ready: http://${name}.internal/readyz }]
            reload: { signal: SIGHUP }
            attest: { use: http, challenges: { ${name}: http://${name}.internal/keyturn/attest } }
    checks:
      - { use: http, url: http://${name}.internal/readyz, expect: { json: { postgres: ok } } }
`
  const names = Array.from({ length: secrets }, (_, n) => `service-${n}`)
  return `version: 1\nsystem: bench\nenvironment: production\ndefaults: { owner: platform, grace: 48h }\nsecrets:\n${names.map(secret).join('\n')}`
}
