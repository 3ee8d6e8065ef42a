import { describe, expect, it } from 'vitest'
import { podSpecSchema } from './pod-spec.ts'
import { referencesOf, variablesOf } from './references.ts'

const spec = podSpecSchema.parse({
  containers: [
    {
      name: 'web',
      env: [
        { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'app', key: 'password' } } },
        { name: 'AGAIN', valueFrom: { secretKeyRef: { name: 'app', key: 'password' } } },
        { name: 'ALL_token', value: 'covers what comes with the prefix' },
        { name: 'OTHER', valueFrom: { secretKeyRef: { name: 'other', key: 'password' } } },
      ],
      envFrom: [{ prefix: 'ALL_', secretRef: { name: 'app' } }, { configMapRef: { name: 'settings' } }],
    },
    { name: 'idle' },
  ],
  initContainers: [
    { name: 'migrate', env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'app', key: 'password', optional: true } } }] },
    { name: 'sidecar', restartPolicy: 'Always', env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'app', key: 'password' } } }] },
  ],
  imagePullSecrets: [{ name: 'registry' }],
  volumes: [{ name: 'files', secret: { secretName: 'files' } }, { name: 'more', projected: { sources: [{ secret: { name: 'app', items: [{ key: 'tls.key', path: 'key' }] } }, { configMap: {} }] } }, { name: 'cache', emptyDir: {} }],
})

describe('what a pod takes from Secrets', () => {
  it('is found in variables, all variables, volumes, projected ones and what pulls images', () => {
    const found = referencesOf(spec).map(({ secret, key, as }) => `${secret} ${as} ${key ?? '*'}`)
    expect(found.toSorted()).toEqual(['app file tls.key', 'app variable password', 'app variable password', 'app variable password', 'app variable password', 'app variables *', 'files file *', 'other variable password', 'registry image pull *'])
  })

  it('is looked for in the variables of containers that last, whatever they are called there', () => {
    const held = variablesOf(spec, ['app'], ['password', 'token'])
    expect(held.map(({ container }) => container)).toEqual(['web', 'sidecar'])
    // What `env` says covers what `envFrom` brings: ALL_token holds another value.
    expect([...(held[0]?.variables ?? [])]).toEqual([['password', ['ALL_password', 'DB_PASSWORD', 'AGAIN']]])
    expect(variablesOf(spec, ['files'], ['password'])).toEqual([])
  })
})
