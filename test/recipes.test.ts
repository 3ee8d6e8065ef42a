import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { registry } from '../src/connectors.gen.ts'
import { createRuntime, plan } from '../src/index.ts'
import { parseManifest } from '../src/yaml/load.ts'

const root = join(import.meta.dirname, '..')
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')
const schema = z.fromJSONSchema(JSON.parse(textOf('schema/keyturn.schema.json')))

/** The fenced YAML of a page. */
function fencesIn(page: string): readonly string[] {
  return [...textOf(page).matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text)
}

const recipes = globSync('docs/recipes/*.md', { cwd: root }).filter((file) => basename(file) !== 'readme.md').toSorted()

describe('the recipes', () => {
  it('are all in their table of contents, and nothing else is', () => {
    const listed = [...textOf('docs/recipes/readme.md').matchAll(/\]\((\w+\.md)\)/g)].map(([, file = '']) => file)
    expect(listed.toSorted()).toEqual(recipes.map((file) => basename(file)))
  })

  it.each(recipes)('%s holds one whole manifest, which is valid and fits the JSON Schema', async (recipe) => {
    const texts = fencesIn(recipe)
    expect(texts).toHaveLength(1)
    for (const text of texts) {
      await parseManifest(text, 'keyturn.yaml', { registry })
      expect(schema.safeParse(parse(text))).toMatchObject({ success: true })
    }
  })

  it.each(recipes)('%s can be planned, secret by secret', async (recipe) => {
    const manifest = await parseManifest(fencesIn(recipe)[0] ?? '', join(root, 'keyturn.yaml'), { registry })
    for (const name of Object.keys(manifest.secrets)) {
      const { steps } = await plan(createRuntime({ env: {} }), manifest, name, { offline: true })
      expect(steps.map((step) => step.do), name).toEqual(expect.arrayContaining(['preflight', 'mint', 'publish', 'reload', 'attest']))
    }
  })

  it.each(recipes)('%s says which rights keyturn needs and what happens when the system is away, and its links lead somewhere', (recipe) => {
    const text = textOf(recipe)
    expect(text).toMatch(/^## keyturn's own (login|logins|keys|rights)$/m)
    expect(text).toContain('(readme.md#when-a-system-is-away)')
    const sections = new Set([...textOf('docs/connectors.md').matchAll(/^## (\S+)$/gm)].map(([, id = '']) => id))
    for (const [, to = ''] of text.matchAll(/\]\(([\w./-]+\.md)[#)]/g)) expect(existsSync(join(root, 'docs/recipes', to)), to).toBe(true)
    for (const [, id = ''] of text.matchAll(/\(\.\.\/connectors\.md#([\w-]+)\)/g)) expect(sections).toContain(id)
  })
})
