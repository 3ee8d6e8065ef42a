import { parseAllDocuments } from 'yaml'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Patch } from '../../kit/store.ts'
import { request } from '../../outside/http/index.ts'
import type { Certificate } from './certificate.ts'
import { dropKey, putKey } from './edit.ts'
import type { Sealer } from './seal.ts'
import { type Named, readSealedFile, type SealedFile } from './sealed-file.ts'

/** A file as it is now. */
export interface Before {
  readonly text: string
  readonly file: SealedFile
  readonly named: Named
  readonly about: string
}

/**
 * The file with these values sealed into it, and nothing else changed: what comes out is read again and compared before it is used. Where
 * the controller is known it is asked whether it can unseal it; one that gives no verdict is no reason to stop.
 */
export async function sealInto(before: Before, patch: Patch, sealer: Sealer, from: Certificate, call: Call): Promise<Answer<string>> {
  const { named, about } = before
  let { text, file } = before
  for (const [key, value] of Object.entries(patch)) {
    if (value === null && !file.sealed.has(key)) continue
    const sealed = value === null ? undefined : sealer.seal(value, file.scope)
    const next = sealed === undefined ? dropKey(text, file.map, key) : putKey(text, file.map, key, sealed)
    const read = readSealedFile(next, named, about)
    if (read.is !== 'done' || !differsOnlyIn(key, sealed, file, read.value)) return refused('STORE_UNFIT', `${about} is written in a way in which ${key} cannot be changed alone`)
    text = next
    file = read.value
  }
  const verdict = from.controller === undefined || text === before.text ? done(undefined) : await verify(from.controller, text, named, about, call)
  return verdict.is === 'done' ? done(text) : verdict
}

function differsOnlyIn(key: string, sealed: string | undefined, before: SealedFile, after: SealedFile): boolean {
  if (after.sealed.get(key) !== sealed || after.scope !== before.scope) return false
  return [...before.sealed.keys(), ...after.sealed.keys()].every((each) => each === key || before.sealed.get(each) === after.sealed.get(each))
}

/** `/v1/verify` answers 409 for what it cannot unseal (pkg/controller/server.go). It is sent what is sealed, and nothing else. */
async function verify(controller: string, text: string, { namespace, name }: Named, about: string, call: Call): Promise<Answer<void>> {
  const document = [parseAllDocuments(text)].flat().find((each) => each.get('kind') === 'SealedSecret' && each.getIn(['metadata', 'name']) === name)
  document?.setIn(['metadata', 'namespace'], namespace)
  const answer = await request({ method: 'POST', url: `${controller.replace(/\/+$/, '')}/v1/verify`, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document?.toJS()) }, call)
  const cannot = answer.is === 'done' && answer.value.status === 409
  return cannot ? refused('STORE_UNFIT', `the controller cannot unseal what would be in ${about}; nothing was pushed`) : done(undefined)
}
