import { asList, asMap, report, type Reading } from './reading.ts'

/** Reports each `on` that closes a circle: none of those could be rotated after the others, and each would make the next one due for ever. */
export function reportCircles(reading: Reading, secrets: Readonly<Record<string, unknown>>): void {
  const parents = new Map(Object.entries(secrets).map(([name, entry]) => [name, asList(asMap(entry)?.['on']).map(String).filter((word) => word !== name && Object.hasOwn(secrets, word))]))
  const settled = new Set<string>()
  const walk = (name: string, way: readonly string[]): void => {
    if (settled.has(name)) return
    const followed = asList(asMap(secrets[name])?.['on'])
    for (const parent of parents.get(name) ?? []) {
      const from = [...way, name].indexOf(parent)
      if (from < 0) walk(parent, [...way, name])
      else report(reading, ['secrets', name, 'on', followed.indexOf(parent)], 'value', `\`on\` goes in a circle: ${[...[...way, name].slice(from), parent].join(' after ')}`, 'one of them without it')
    }
    settled.add(name)
  }
  for (const name of parents.keys()) walk(name, [])
}
