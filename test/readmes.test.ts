import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { registry } from '../src/connectors.gen.ts'
import { KeyturnError, type Registry } from '../src/kit/index.ts'
import { parseManifest } from '../src/yaml/load.ts'

// What a connector's page shows is what people copy: every fenced YAML that is a secret, or a part of one, has to be valid.

const root = join(import.meta.dirname, '..')
const connectors: Registry = registry
const PARTS = ['issuer', 'stores', 'consumers', 'checks']

/** Fences that are whole: three dots in the place of a value leave something out. */
function examplesIn(page: string): readonly Readonly<Record<string, unknown>>[] {
  const fences = [...readFileSync(join(root, page), 'utf8').matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text)
  return fences.filter((text) => !/(?:^|[\s[{])\.\.\.(?:[\s,\]}]|$)/m.test(text.replaceAll(/\s#.*$/gm, ''))).map((text) => parse(text) as Record<string, unknown>)
}

/** A manifest around it, with an issuer and a store where it has none; undefined for what is less than a part of a secret. */
function manifestAround(example: Readonly<Record<string, unknown>>): object | undefined {
  if ('secrets' in example) return { version: 1, system: 'shown', ...example }
  if (!PARTS.some((part) => part in example)) return undefined
  const use = (example['issuer'] as { readonly use?: string } | undefined)?.use
  const fields = use === undefined ? { user: 'plain', password: 'secret' } : connectors[use]?.manifest.fields
  const bind = Object.fromEntries(Object.keys(typeof fields === 'object' ? fields : {}).map((field) => [field.toUpperCase(), `{${field}}`]))
  const secret = {
    issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: 'shown', strategy: 'in-place' },
    stores: [{ use: 'dotenv', file: '.env', bind: Object.keys(bind).length === 0 ? { VALUE: '{value}' } : bind }],
  }
  return { version: 1, system: 'shown', secrets: { shown: { ...secret, ...example } } }
}

/** What is wrong with it; not that its store has fields of an issuer that the page does not show. */
async function problemsOf(manifest: object, around: boolean): Promise<readonly string[]> {
  try {
    await parseManifest(stringify(manifest), 'keyturn.yaml', { registry })
    return []
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    return (thrown.problems ?? []).map(({ what }) => what).filter((what) => !around || !/the issuer has no field|no store carries the field/.test(what))
  }
}

const pages = globSync('src/connectors/*/readme.md', { cwd: root }).toSorted()

describe('the YAML in a connector\'s page is valid', () => {
  it('and there is some of it', () => {
    expect(pages.flatMap((page) => examplesIn(page).flatMap((example) => manifestAround(example) ?? [])).length).toBeGreaterThan(25)
  })

  it.each(pages)('%s', async (page) => {
    for (const example of examplesIn(page)) {
      const manifest = manifestAround(example)
      if (manifest !== undefined) expect(await problemsOf(manifest, !('secrets' in example)), JSON.stringify(example)).toEqual([])
    }
  })

  it('one that is not is found', async () => {
    const wrong = manifestAround({ issuer: { use: 'redis', admin: '${env:A}', usr: 'app' } }) ?? {}
    expect(await problemsOf(wrong, true)).toEqual(expect.arrayContaining([expect.stringContaining('`usr` is not a key')]))
  })
})
