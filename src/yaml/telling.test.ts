import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { registry } from '../connectors.gen.ts'
import { parseManifest } from './load.ts'

const load = (top: string, secret = '') => parseManifest(`version: 1
system: atlas
${top}
secrets:
  session:
${secret}
    issuer: { use: random, name: session, format: hex }
    stores: [{ use: file, file: session.key, format: whole, bind: { content: "{value}" } }]
`, 'keyturn.yaml', { registry })

const OPS = 'notifiers: { ops: { use: slack, url: "${env:SLACK_URL}" } }'

describe('who is told, in a manifest', () => {
  it('is nobody unless it is written; names under `notify` are words for people then', async () => {
    const manifest = await load('defaults: { notify: [the people on call] }')
    expect([manifest.notifiers, manifest.routes]).toEqual([undefined, undefined])
  })

  it('reads the example of the documentation, the escalation table of a runbook in it (R-10, R-11, R-12, R-13, S3-63)', async () => {
    const text = /```yaml\n([^]*?)```/.exec(readFileSync('docs/telling.md', 'utf8'))?.[1] ?? ''
    const { notifiers, routes, secrets } = await parseManifest(text, 'keyturn.yaml', { registry })
    expect(notifiers?.['support']).toMatchObject({ use: 'slack', config: { url: '${env:SUPPORT_SLACK_URL}' } })
    expect(routes?.[0]).toEqual({ to: ['siem'] })
    expect(routes?.[2]).toEqual({ severity: 'critical', environment: ['production'], to: ['security'] })
    expect(routes?.slice(3).map(({ kind, secret, to, advice }) => [kind, secret, to, advice?.contacts.length, advice?.link])).toEqual(expect.arrayContaining([
      [['auth-failures'], undefined, ['support'], 2, 'https://runbooks.example/secrets#auth-failures'], [['leak'], undefined, ['security'], 2, 'https://runbooks.example/security-incident'], [['auto-rotation-failed'], undefined, ['support'], 1, undefined], [['connections-broken'], ['database'], ['support'], 2, 'https://runbooks.example/secrets#database'],
    ]))
    expect(secrets['session']).toMatchObject({ notify: ['support'], notice: { before: 172_800_000, to: ['support'] } })
  })

  it.each([
    ['notifiers: { ops: { use: slack, url: "https://hooks.slack.com/services/T/B/x" } }', '', '3:38 `url` is a literal secret; write `${env:NAME}`'],
    ['notifiers: { ops: { use: postgres } }', '', '3:26 `postgres` cannot be used as a notifier; write one of'],
    ['notifiers: { "o p": { use: slack, url: "${env:U}" } }', '', '3:14 `o p` does not fit as a key; write letters, digits'],
    [OPS, '    notify: [opps]', '6:14 there is no such notifier; write `ops`'],
    [`${OPS}\ndefaults: { notify: [pager] }`, '', '4:22 there is no such notifier; write `ops`'],
    ['routes: [{ to: [ops] }]', '', '3:17 there is no such notifier; write `notifiers:` with it'],
    [`${OPS}\nroutes: [{ kind: rotation-pausd, to: [ops] }]`, '', '4:18 there is no such kind of notice and no such condition; write `rotation-paused` (did you mean that?)'],
    [`${OPS}\nescalation: [{ when: [rotation-done, leek], do: [Look.] }]`, '', '4:38 there is no such kind of notice'],
    [`${OPS}\nescalation: [{ when: auth-failures, do: [] }]`, '', '4:41 `do` is empty; write one entry at least'],
    [`${OPS}\nroutes: [{ secret: sesion, to: [ops] }]`, '', '4:20 there is no such secret; write `session`'],
    [`${OPS}\nroutes: [{ severity: bad, to: [ops] }]`, '', '4:22 `severity` has a value that is not known; write one of `info`, `warning`, `critical`'],
    [OPS, '    notice: { before: 2d, to: [ops] }', '6:5 nobody feels a rotation of this secret, so there is nothing to be told ahead; write `impact:` with what users will feel, or no `notice`'],
    [OPS, '    impact: all out\n    notice: { before: 31d, to: [ops] }', '7:23 `before` does not fit; write a duration of 30 days at most, such as `2d`'],
  ])('%s %s: %s', async (top, secret, problem) => {
    await expect(load(top, secret)).rejects.toMatchObject({ code: 'MANIFEST_INVALID', about: expect.stringContaining(`keyturn.yaml:${problem}`) as string })
  })
})
