import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { mayBeKubernetes, scanKubernetes } from './kubernetes.ts'
import { createTracer } from './trace.ts'

const scan = (text: string, file = 'k8s/all.yaml') => scanKubernetes(file, text, createTracer(randomBytes(32)))
const random = (): string => randomBytes(16).toString('hex')
const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('Secrets', () => {
  it('of many documents and of lists have their keys by place, and the form behind base64', () => {
    const { sightings } = scan(`
apiVersion: v1
kind: Secret
metadata: { name: api }
data:
  DATABASE_URL: ${base64(`postgres://api:${random()}@pg/api`)}
stringData:
  JWT_SECRET: ${random()}
---
apiVersion: v1
kind: List
items:
  - kind: Secret
    metadata: { name: other }
    stringData: { TOKEN: "" }
`)
    expect(sightings?.map(({ key, seen, holder, trace }) => [key, seen.line, holder.is === 'kubernetes' && holder.object, trace?.shape.is])).toEqual([
      ['DATABASE_URL', 6, 'Secret/api', 'login'],
      ['JWT_SECRET', 8, 'Secret/api', 'hex'],
      ['TOKEN', 15, 'Secret/other', 'empty'],
    ])
  })

  it('that are sealed or made elsewhere have keys without values', () => {
    const { sightings } = scan(`
kind: SealedSecret
apiVersion: bitnami.com/v1alpha1
metadata: { name: x }
spec: { encryptedData: { password: Ag${random()} }, template: { metadata: { name: mail } } }
---
kind: ExternalSecret
metadata: { name: y }
spec: { target: { name: pay }, data: [{ secretKey: STRIPE_SECRET_KEY, remoteRef: { key: a } }] }
`)
    expect(sightings).toEqual([
      { key: 'password', seen: { file: 'k8s/all.yaml', line: 5 }, holder: { is: 'kubernetes', object: 'SealedSecret/mail' } },
      { key: 'STRIPE_SECRET_KEY', seen: { file: 'k8s/all.yaml', line: 9 }, holder: { is: 'kubernetes', object: 'ExternalSecret/pay' } },
    ])
  })

  it('that Kubernetes makes for itself are left out', () => {
    expect(scan(`kind: Secret\nmetadata: { name: x }\ntype: kubernetes.io/service-account-token\ndata: { token: ${base64(random())} }\n`).sightings).toEqual([])
  })
})

describe('workloads', () => {
  it('say which keys they take: one, all, as files; and values in the clear', () => {
    const { mounts, sightings } = scan(`
kind: Deployment
metadata: { name: api }
spec:
  template:
    spec:
      volumes: [{ name: v, secret: { secretName: tls } }]
      initContainers:
        - envFrom: [{ secretRef: { name: all } }, { configMapRef: { name: plain } }]
      containers:
        - env:
            - { name: MAIL, valueFrom: { secretKeyRef: { name: mail, key: password } } }
            - { name: API_TOKEN, value: ${random()} }
            - { name: HOST, valueFrom: { fieldRef: { fieldPath: x } } }
---
kind: CronJob
metadata: { name: nightly }
spec: { jobTemplate: { spec: { template: { spec: { containers: [{ envFrom: [{ secretRef: { name: all } }] }] } } } } }
---
kind: Pod
metadata: { name: one }
spec: { containers: [{ envFrom: [{ secretRef: { name: all } }] }] }
`)
    expect(mounts?.map(({ workload, secret, key, variable, seen }) => [workload, secret, key, variable, seen.line])).toEqual([
      ['Deployment/api', 'mail', 'password', 'MAIL', 12],
      ['Deployment/api', 'all', undefined, undefined, 9],
      ['Deployment/api', 'tls', undefined, undefined, 7],
      ['CronJob/nightly', 'all', undefined, undefined, 18],
      ['Pod/one', 'all', undefined, undefined, 22],
    ])
    expect(sightings?.map(({ key, holder, seen }) => [key, holder, seen.line])).toEqual([['API_TOKEN', { is: 'kubernetes', object: 'Deployment/api' }, 13]])
  })
})

describe('kustomize', () => {
  it('makes Secrets of literals, files and env files', () => {
    const page = scan(
      `secretGenerator:\n  - name: worker\n    envs: [secrets.env]\n    literals: ["API_KEY='${random()}'"]\n    files: [tls.key=certs/a.key, certs/b.pem]\n`,
      'k8s/prod/kustomization.yaml',
    )
    expect(page.sightings?.map(({ key, seen, trace }) => [key, seen.line, trace?.shape.is])).toEqual([['API_KEY', 4, 'hex'], ['tls.key', 5, undefined], ['b.pem', 5, undefined]])
    expect(page.generated).toEqual([{ file: 'k8s/prod/secrets.env', object: 'Secret/worker', seen: { file: 'k8s/prod/kustomization.yaml', line: 2 } }])
    expect(page.envFiles).toEqual([{ file: 'k8s/prod/secrets.env', line: 2 }])
  })
})

describe('what is none', () => {
  it('is not parsed', () => {
    expect(mayBeKubernetes('a.yaml', 'on: push\n')).toBe(false)
    expect(mayBeKubernetes('a.yaml', 'apiVersion: v1\nkind: Secret\n')).toBe(true)
    expect(mayBeKubernetes('k8s/kustomization.yaml', 'resources: []\n')).toBe(true)
  })

  it('is told when it is a template of Helm, with its place and without its text', () => {
    const value = random()
    const text = `apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ include "x" . }}\ndata:\n  {{- range .Values }}\n  a: ${value}\n  {{- end }}\n`
    const page = scan(text)
    expect(page.unread).toEqual([{ file: 'k8s/all.yaml', line: 6, why: expect.stringContaining('a template of Helm') }])
    expect(JSON.stringify(page)).not.toContain(value)
    expect(scan('kind: [\n').unread).toMatchObject([{ why: 'no YAML from here on' }])
  })

  it('does no harm: odd kinds, odd values, names that steer a terminal', () => {
    expect(scan('kind: Secret\nmetadata: { name: "\\e[31m" }\nstringData: { A: b }\n').sightings).toEqual([])
    expect(scan('kind: Secret\nmetadata: { name: x }\nstringData: { "\\e[31m": b, ok: [1] }\n').sightings?.map(({ key }) => key)).toEqual(['ok'])
    expect(scan('kind: Deployment\nmetadata: { name: x }\nspec: { template: { spec: { containers: 3 } } }\n')).toMatchObject({ mounts: [], sightings: [] })
    expect(scan('- 1\n- 2\n').sightings).toEqual([])
  })
})
