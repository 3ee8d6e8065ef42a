import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeQdrant } from '../../../src/connectors/qdrant/fake.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/index.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(): Promise<Outside> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-outages-'))
  const [file, key] = [join(folder, 'qdrant.env'), generate(ALNUM, 40)]
  writeFileSync(file, `QDRANT__SERVICE__API_KEY=${key}\n`, { mode: 0o600 })
  const node = await startFakeQdrant(file)
  const line = await openLine(Number(new URL(node.url).port))
  return {
    issuer: { format: 'env', nodes: [{ name: 'node-1', url: `http://127.0.0.1:${line.port}`, file, restart: node.command }] }, env: {},
    current: { id: '', fields: { key: new Secret(key) } }, blind: true, lines: [line],
    close: async () => {
      await node.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const qdrant: readonly Row[] = ['overlap', 'in-place'].map((strategy) => ({ connector: 'qdrant', strategy, start }))
