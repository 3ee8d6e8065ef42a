import { type Document, isMap, isScalar, parseAllDocuments, type YAMLMap } from 'yaml'
import { type Answer, done, refused } from '../../kit/answer.ts'

/** Which SealedSecret of a file is meant. */
export interface Named {
  readonly namespace: string
  readonly name: string
}

/** A SealedSecret as a file has it. */
export interface SealedFile {
  /** What is sealed, by key. */
  readonly sealed: ReadonlyMap<string, string>
  /**
   * The label of every value in it (EncryptionLabel in pkg/apis/sealedsecrets/v1alpha1/sealedsecret_expansion.go): strict by default,
   * so that nothing sealed for one Secret can be moved to another.
   */
  readonly scope: string
  readonly strict: boolean
  /** Keys that the controller fills from a template: what is sealed under them is not what is read. */
  readonly templated: ReadonlySet<string>
  /** The map that is edited, for {@link putKey}. */
  readonly map: YAMLMap
}

const ANNOTATION = 'sealedsecrets.bitnami.com/'

/** Finds it in a text of one or more YAML documents (JSON is one). Refused with STORE_UNFIT, with what is wrong, when it cannot be edited. */
export function readSealedFile(text: string, { namespace, name }: Named, about: string): Answer<SealedFile> {
  const documents = parseAllDocuments(text, { keepSourceTokens: true, uniqueKeys: true })
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return refused('STORE_UNFIT', `${about} is no YAML`)
  const found = documents.filter((document) => isNamed(document, { namespace, name }))
  const [document] = found
  if (document === undefined || found.length > 1) {
    return refused('STORE_UNFIT', `${about} has ${found.length === 0 ? 'no' : 'more than one'} SealedSecret ${namespace}/${name}`)
  }
  if (document.hasIn(['spec', 'data'])) return refused('STORE_UNFIT', `${about} has the old \`spec.data\`: seal it again with kubeseal`)
  const map = document.getIn(['spec', 'encryptedData'])
  if (!isMap(map)) return refused('STORE_UNFIT', `${about} has no map \`spec.encryptedData\``)
  const sealed = new Map<string, string>()
  for (const { key, value } of map.items) {
    if (!isScalar(key) || !isScalar(value) || typeof value.value !== 'string') return refused('STORE_UNFIT', `${about} has something under \`spec.encryptedData\` that is no text`)
    sealed.set(keyText(key), value.value)
  }
  const says = (which: string): boolean => document.getIn(['metadata', 'annotations', `${ANNOTATION}${which}`]) === 'true'
  const scope = says('cluster-wide') ? '' : says('namespace-wide') ? namespace : `${namespace}/${name}`
  const templates = document.getIn(['spec', 'template', 'data'])
  return done({
    sealed, scope, strict: scope.includes('/'), map,
    templated: new Set(isMap(templates) ? templates.items.flatMap(({ key }) => (isScalar(key) ? [keyText(key)] : [])) : []),
  })
}

/** The namespace may be left to what applies the file. */
function isNamed(document: Document, { namespace, name }: Named): boolean {
  const own = document.getIn(['metadata', 'namespace']) ?? namespace
  return document.get('kind') === 'SealedSecret' && document.getIn(['metadata', 'name']) === name && own === namespace
}

/** A key as Kubernetes reads it: `1` is a text there. */
export function keyText(key: { readonly value: unknown; readonly source?: string }): string {
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
}
