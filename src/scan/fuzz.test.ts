import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { Secret } from '../kit/index.ts'
import { Redactor } from '../redact/redact.ts'
import { scanCode } from './code.ts'
import { scanCompose } from './compose.ts'
import { scanEnvFile } from './env-files.ts'
import { scanKubernetes } from './kubernetes.ts'
import { createTracer } from './trace.ts'

const trace = createTracer(randomBytes(32))

it('no scanner throws, whatever a file holds', () => {
  const odd = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ maxLength: 300, unit: fc.constantFrom('$', '{', '}', ':', '-', '\n', ' ', '"', "'", '#', '&', '*', '!', 'a', '=', '[', ']', '<', '\t', '\u0000') }))
  const odder = fc.oneof(odd, fc.json().map((json) => stringify(JSON.parse(json))), fc.object().map((value) => `kind: Secret\nmetadata: { name: x }\n${JSON.stringify({ data: value, spec: value })}`))
  fc.assert(
    fc.property(odder, (text) => {
      const under = `services:\n  a:\n    environment: ${JSON.stringify(text)}\n    env_file: ${JSON.stringify([text, { path: text }])}\n`
      for (const each of [text, under]) {
        expect(() => [scanEnvFile('.env', each, trace), scanCompose('compose.yaml', each, trace), scanKubernetes('k.yaml', each, trace), scanCode('a.ts', each)]).not.toThrow()
      }
    }),
  )
})

it('no scanner repeats a value, however it is written (S0-02)', () => {
  const value = fc.string({ minLength: 16, maxLength: 60, unit: fc.constantFrom(...'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789+/=_.-!%^&*()?~,;') }).filter((text) => new Set(text).size > 8)
  const ways = fc.constantFrom<(text: string) => string>(
    (text) => `A_TOKEN=${text}`,
    (text) => `A_TOKEN="${text}"`,
    (text) => `A_TOKEN='${text}\n${text}'`,
    (text) => `export A_KEY = ${text} # ${text}`,
    (text) => `A_TOKEN: ${text}`,
    (text) => `A_TOKEN=-----BEGIN PRIVATE KEY-----\n${text}\n${text}=\n-----END PRIVATE KEY-----`,
    (text) => `-----BEGIN PRIVATE KEY-----\n${text}=\n-----END PRIVATE KEY-----`,
    (text) => `A_URL=postgres://shop:${encodeURIComponent(text)}@db/shop`,
    (text) => `services: { a: { environment: { A_TOKEN: '${text}', B: "\${B:-${text}}" } } }`,
    (text) => `services: { a: { environment: ['A_TOKEN=${text}'], command: '${text}' } }\nx: "`,
    (text) => `kind: Secret\nmetadata: { name: x }\nstringData: { a: '${text}' }\ndata: { b: '${Buffer.from(text).toString('base64')}', c: '${text}' }`,
    (text) => `kind: Pod\nmetadata: { name: x }\nspec: { containers: [{ env: [{ name: A, value: '${text}' }] }] }\n---\n{{ ${text} }}`,
    (text) => `const a = process.env.A_TOKEN || '${text}'`,
  )
  fc.assert(
    fc.property(value, fc.array(ways, { minLength: 1, maxLength: 4 }), (text, written) => {
      const file = written.map((write) => write(text)).join('\n')
      const redactor = new Redactor()
      redactor.conceal(new Secret(text))
      const found = [scanEnvFile('.env', file, trace), scanCompose('compose.yaml', file, trace), scanKubernetes('k.yaml', file, trace), scanCode('a.ts', file)]
      return !redactor.holds(JSON.stringify(found))
    }),
    { numRuns: 500 },
  )
})
