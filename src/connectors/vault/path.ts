/** A secret in a KV engine. */
export interface SecretPlace {
  readonly mount: string
  /** Below the mount, without the `data/` of the API. */
  readonly name: string
  readonly version: 1 | 2
}

/**
 * Where a secret is, whichever way people write it: in version 2 `secret/atlas`, as the command line has it, and `secret/data/atlas`,
 * as the API and policies have it, are one. A secret of version 2 whose own name begins with `data/` is written `secret/data/data/...`.
 * Undefined when nothing is left below the mount, or the path is of another mount. Pure.
 */
export function locateSecret({ path, mount, version }: { readonly path: string; readonly mount?: string | undefined; readonly version: 1 | 2 }): SecretPlace | undefined {
  const at = mount ?? path.split('/')[0] ?? ''
  if (!path.startsWith(`${at}/`)) return undefined
  const rest = path.slice(at.length + 1)
  const name = version === 2 ? rest.replace(/^data\//, '') : rest
  return name === '' || (version === 2 && name === 'data') ? undefined : { mount: at, name, version }
}

/** The path of its values in the API and in policies. */
export function dataPath({ mount, name, version }: SecretPlace): string {
  return version === 2 ? `${mount}/data/${name}` : `${mount}/${name}`
}
