import { spawnSync } from 'node:child_process'
import { createPublicKey, verify } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { begin, moves, type World } from '../../test/fixture/simulator.ts'
import { specimenPlan, type Wishes } from '../../test/fixture/specimen.ts'
import { tempFolder } from '../../test/fixture/state.ts'
import { createIdentity, type Identity } from '../sealing/identity.ts'
import { foldProgress } from '../journal/progress.ts'
import { canonicalJson, makeReceipt, type Receipt, type SignedReceipt, signReceipt, verifyReceipt } from './receipt.ts'

let identity: Identity
let signed: SignedReceipt

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-receipt-'))
  identity = await createIdentity(join(folder, 'identity'))
  rmSync(folder, { recursive: true })
  signed = signReceipt(receiptOf(), identity)
})

/** The receipt of a rotation in which the named moves happened, and else all went well. */
function receiptOf(wishes: Wishes = {}, names: readonly string[] = []): Receipt {
  let world: World = begin(specimenPlan(wishes))
  for (let list = moves(world); list[0] !== undefined; list = moves(world)) {
    world = (list.find((move) => names.includes(move.name)) ?? list[0]).after
  }
  const progress = foldProgress(world.events)
  const credentials = { inUse: { id: 'app_b', fingerprint: 'kf:1' }, other: { id: 'app', fingerprint: 'kf:0' } }
  return makeReceipt(
    'database-1',
    world.events,
    progress,
    credentials,
    { seq: world.events.length, head: 'f'.repeat(64) },
    world.now,
  )
}

describe('a receipt', () => {
  it('says what was proven, step by step, and holds the head of the journal', () => {
    const receipt = receiptOf({ waves: [1, 1] })
    expect(receipt).toMatchObject({
      format: 'keyturn-receipt/1', result: 'done', system: 'atlas', strategy: 'alternate', by: 'somebody', reason: 'a test',
      proof: { new: 'accepted', old: 'rejected' },
      gapMs: 0, stores: ['dotenv /srv/app/0.env'], chain: { head: 'f'.repeat(64) },
    })
    expect(Object.keys(receipt.attested)).toEqual(['service 0.0', 'service 1.0'])
    expect(receipt.steps.at(-1)).toMatchObject({ step: 'receipt', outcome: 'step-done' })
    expect(
      receipt.steps.filter((step) => step.outcome === 'intent-recorded').map((step) => step.step)
    ).toEqual(['mint', 'publish:0', 'reload:0.0', 'reload:1.0', 'off', 'gone'])
  })

  it('of a rotation that went back says so, with the proof of the way back', () => {
    const receipt = receiptOf({ checks: 1 }, ['check:0 CREDENTIAL_REJECTED'])
    expect(receipt).toMatchObject({ result: 'rolled-back', proof: { old: 'accepted', new: 'rejected' } })
    expect(receipt.steps.some((step) => step.step === 'back:prove:old')).toBe(true)
  })

  it('measures the gap in place, from the intent to change to the last consumer (C-08)', () => {
    const receipt = receiptOf({ strategy: 'in-place', waves: [1, 1] })
    const at = (step: string, outcome: string): number => Date.parse(
      receipt.steps.find((each) => each.step === step && each.outcome === outcome)?.at ?? ''
    )
    expect(receipt.gapMs).toBe(at('attest:1.0', 'step-done') - at('mint', 'intent-recorded'))
    expect(receipt.gapMs).toBeGreaterThan(0)
  })

  it('verifies offline, with the key that it carries and with the one that the reader has', () => {
    expect(verifyReceipt(signed)).toEqual(signed.receipt)
    expect(
      verifyReceipt(JSON.parse(JSON.stringify(signed, null, 2)) as SignedReceipt, `\n${identity.publicKey}\n`)
    ).toEqual(signed.receipt)
  })

  it('does not verify with the key of somebody else, nor when somebody else signed it anew', async () => {
    const other = await createIdentity(join(tempFolder(), 'identity'))
    expect(() => verifyReceipt(signed, other.publicKey)).toThrow(/another identity/)
    const resigned = signReceipt({ ...signed.receipt, by: 'nobody' }, other)
    expect(verifyReceipt(resigned).by).toBe('nobody')
    expect(() => verifyReceipt(resigned, identity.publicKey)).toThrow(/another identity/)
    expect(() => verifyReceipt({ ...resigned, publicKey: identity.publicKey }, identity.publicKey)).toThrow(/not over this text/)
  })

  it('is found out at every changed byte of its text, its key and its signature', () => {
    const text = JSON.stringify(signed)
    const unfound: string[] = []
    for (let at = 0; at < text.length; at += 1) {
      const changed = text.slice(0, at) + (text[at] === 'x' ? 'y' : 'x') + text.slice(at + 1)
      if (verifies(changed)) unfound.push(text.slice(Math.max(0, at - 20), at + 20))
    }
    expect(verifies(text)).toBe(true)
    expect(unfound).toEqual([])
  })

  it('that is cut, empty or something else is RECEIPT_INVALID, never another error', () => {
    const text = JSON.stringify(signed)
    const { receipt: _, ...headless } = signed
    const { publicKey: __, ...keyless } = signed
    const { signature: ___, ...unsigned } = signed
    const broken = [
      {}, headless, keyless, unsigned, { ...signed, signature: '' }, { ...signed, publicKey: 'no key' },
      { ...signed, receipt: null },
    ]
    for (const given of broken) {
      for (const key of [undefined, identity.publicKey]) {
        expect(() => verifyReceipt(given as SignedReceipt, key)).toThrow(
          expect.objectContaining({ code: 'RECEIPT_INVALID' }) as Error
        )
      }
    }
    for (const spelling of [`${signed.signature}=`, ` ${signed.signature}`, signed.signature.replaceAll('=', '')]) {
      expect(() => verifyReceipt({ ...signed, signature: spelling })).toThrow(/not over this text/)
    }
    expect(text.length).toBeGreaterThan(1_000)
  })
})

/** Whether the text is a receipt that verifies by the reader's own key. */
function verifies(text: string): boolean {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return false
  }
  try {
    verifyReceipt(parsed as SignedReceipt, identity.publicKey)
    return true
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'RECEIPT_INVALID') return false
    throw thrown
  }
}

const hasTool = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0

/** What the documentation says to do, with its tools where they are installed and with node:crypto where they are not. */
function verifyAsDocumented(given: SignedReceipt): boolean {
  const folder = tempFolder()
  const file = (name: string): string => join(folder, name)
  writeFileSync(file('FILE'), JSON.stringify(given, null, 2))
  const jq = (...args: readonly string[]): Buffer => spawnSync('jq', [...args, file('FILE')]).stdout
  const payload = hasTool('jq') ? jq('-jcS', '.receipt') : Buffer.from(sortedJson(given.receipt))
  const key = hasTool('jq') ? jq('-r', '.publicKey') : Buffer.from(given.publicKey)
  const signature = Buffer.from(given.signature, 'base64')
  if (spawnSync('openssl', ['pkeyutl', '-help'], { stdio: 'ignore' }).status !== 0) {
    return verify(null, payload, createPublicKey(key), signature)
  }
  for (const [name, bytes] of [['payload', payload], ['keyturn.pub', key], ['signature', signature]] as const) {
    writeFileSync(file(name), bytes)
  }
  const args = [
    'pkeyutl', '-verify', '-pubin', '-inkey', file('keyturn.pub'), '-rawin', '-in', file('payload'), '-sigfile',
    file('signature'),
  ]
  return spawnSync('openssl', args, { stdio: 'ignore' }).status === 0
}

/** As somebody would write it in another language: no code of ours. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const object = value as Record<string, unknown>
  return `{${Object.keys(object).sort().map((key) => `${JSON.stringify(key)}:${sortedJson(object[key])}`).join(',')}}`
}

describe('the documented way without keyturn', () => {
  it('verifies a receipt, and not a changed one', () => {
    expect(verifyAsDocumented(signed)).toBe(true)
    expect(verifyAsDocumented({ ...signed, receipt: { ...signed.receipt, by: 'nobody' } })).toBe(false)
  })

  it('is the one that docs/receipts.md prints', () => {
    const doc = readFileSync(new URL('../../docs/receipts.md', import.meta.url), 'utf8')
    const printed = [
      'jq -jcS .receipt',
      'jq -r .signature FILE | base64 -d',
      'openssl pkeyutl -verify -pubin -inkey keyturn.pub -rawin -in payload -sigfile signature',
    ]
    for (const words of printed) expect(doc).toContain(words)
  })
})

describe('canonicalJson', () => {
  it('sorts keys at every depth, numbers among them as text, keeps lists in order, leaves out what is undefined', () => {
    expect(
      canonicalJson({ b: 1, a: { d: [3, { z: 1, y: null }], c: undefined }, 10: true, 9: false, A: 'é' })
    ).toBe('{"10":true,"9":false,"A":"é","a":{"d":[3,{"y":null,"z":1}]},"b":1}')
  })

  it('does not depend on the order in which the keys came', () => {
    const property = fc.property(
      fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string(), fc.boolean())),
      (object) => canonicalJson(Object.fromEntries(Object.entries(object).toReversed())) === canonicalJson(object),
    )
    expect(fc.check(property).counterexample).toBeNull()
  })

  it('is what `jq -cS` prints, for all that a receipt may hold', () => {
    // jq escapes DEL and rounds great numbers; neither is in a receipt: labels are words, numbers are whole and safe.
    const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })).map(
      (each) => each.replaceAll('\u007f', '').toWellFormed()
    )
    const samples = fc.sample(
      fc.dictionary(
        text,
        fc.oneof(
          fc.integer(),
          text,
          fc.boolean(),
          fc.constant(null),
          fc.array(fc.dictionary(text, text, { maxKeys: 3 }), { maxLength: 3 }),
        ),
        { maxKeys: 8 },
      ),
      200,
    )
    const written = samples.map((each) => canonicalJson(each))
    const input = samples.map((each) => JSON.stringify(each)).join('\n')
    const printed = hasTool('jq') ? spawnSync(
      'jq',
      ['-cS', '.'],
      { input, encoding: 'utf8', maxBuffer: 1e8 },
    ).stdout.trimEnd().split('\n') : input.split('\n').map((line) => canonicalJson(JSON.parse(line)))
    expect(written).toEqual(printed)
  })
})
