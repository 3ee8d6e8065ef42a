import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { remoteSchema } from '../../outside/git/index.ts'
import { urlSchema } from '../../outside/http/index.ts'
import { accessShape } from '../../outside/kubernetes/index.ts'

const nameSchema = z.string().max(253).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'a name of Kubernetes: small letters, digits, `-` and `.`')

const fluxSchema = z.strictObject({
  kustomization: nameSchema.describe('The Kustomization that applies the file; its GitRepository is the one that it names.'),
  namespace: nameSchema.default('flux-system').describe('The namespace of the Kustomization.'),
  reconcile: z.boolean().default(true).describe('Whether Flux is asked to fetch at once after a push, by the annotation `reconcile.fluxcd.io/requestedAt` on the GitRepository. Else it comes by itself at its interval.'),
})

/** What stands under `stores:` with `use: sealed-secrets`. */
export const storeSchema = z
  .strictObject({
    git: remoteSchema.describe('Where the sealed file is kept.'),
    namespace: nameSchema.describe('The namespace of the SealedSecret and of the Secret that is made of it.'),
    name: nameSchema.describe('Their name.'),
    certificate: z.string().min(1).optional().describe('A file with the certificate of the controller, as `kubeseal --fetch-cert` gives it; relative to the manifest. This or `controller`.'),
    controller: urlSchema.optional().describe('Where the controller answers, `http://sealed-secrets-controller.kube-system:8080` in the cluster: its certificate is fetched at each write, and it is asked whether it can unseal the file before that is pushed.'),
    flux: fluxSchema.optional().describe('How Flux applies the file. When absent only the live Secret is waited for, whoever applies it.'),
    ...accessShape,
  })
  .refine(({ certificate, controller }) => (certificate === undefined) !== (controller === undefined), { path: ['certificate'], error: 'one of `certificate` and `controller`' })

export type StoreConfig = z.infer<typeof storeSchema>
export type FluxConfig = NonNullable<StoreConfig['flux']>

export default describeConnector({
  id: 'sealed-secrets',
  title: 'Sealed Secrets in git',
  summary: 'Seals values in memory, commits nothing but the sealed file, and waits until Flux and the controller have made a Secret of it that holds them.',
  links: [
    'https://github.com/bitnami-labs/sealed-secrets#readme',
    'https://github.com/bitnami-labs/sealed-secrets/blob/main/docs/developer/crypto.md',
    'https://fluxcd.io/flux/components/kustomize/kustomizations/#kustomization-status',
    'https://fluxcd.io/flux/components/source/gitrepositories/#gitrepository-status',
    'https://git-scm.com/docs/git-push',
  ],
  families: { store: storeSchema },
})
