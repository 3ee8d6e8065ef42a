import { goFiles } from '../../parts/go-files.ts'
import { goPrograms } from '../../parts/go.ts'

/** The controller, and the program that people seal with; `bring` answers their folder. Later versions have another module path. */
export const sealedSecretsPrograms = goPrograms({
  title: 'Sealed Secrets 0.30.0', name: 'sealed-secrets', version: 'v0.30.0',
  packages: ['kubeseal', 'controller'].map((name) => `github.com/bitnami-labs/sealed-secrets/cmd/${name}`),
  set: { 'main.VERSION': '0.30.0' },
})

/** Both have it, with a comment that it is for BLAKE3. */
const digest = 'github.com/opencontainers/go-digest => github.com/opencontainers/go-digest v1.0.1-0.20220411205349-bde1400a84be'

/** Flux's part that fetches repositories. Newer ones need modules that are not public. `bring` answers the folder. */
export const sourceController = goPrograms({
  title: 'Flux source-controller 1.7.3', name: 'flux-source-controller', version: 'v1.7.3',
  packages: ['github.com/fluxcd/source-controller'], sums: 'github.com/fluxcd/source-controller', replace: [digest],
  set: { 'main.VERSION': 'v1.7.3' },
})

/** Flux's part that applies what was fetched. Newer ones need modules that are not public. `bring` answers the folder. */
export const kustomizeController = goPrograms({
  title: 'Flux kustomize-controller 1.9.5', name: 'flux-kustomize-controller', version: 'v1.9.5',
  packages: ['github.com/fluxcd/kustomize-controller'], sums: 'github.com/fluxcd/kustomize-controller',
  replace: [
    digest, 'gopkg.in/yaml.v3 => gopkg.in/yaml.v3 v3.0.1',
    'sigs.k8s.io/kustomize/api => sigs.k8s.io/kustomize/api v0.21.1', 'sigs.k8s.io/kustomize/kyaml => sigs.k8s.io/kustomize/kyaml v0.21.1',
  ],
  set: { 'main.VERSION': 'v1.9.5' },
})

/** What the API server is told of their objects; `bring` answers a folder of each. */
export const schemas = [
  goFiles({ title: 'schemas of Sealed Secrets 0.30.0', name: 'sealed-secrets-schemas', module: 'github.com/bitnami-labs/sealed-secrets', version: 'v0.30.0', folder: 'helm/sealed-secrets/crds' }),
  goFiles({ title: 'schemas of source-controller 1.7.3', name: 'flux-source-schemas', module: 'github.com/fluxcd/source-controller', version: 'v1.7.3', folder: 'config/crd/bases' }),
  goFiles({ title: 'schemas of kustomize-controller 1.9.5', name: 'flux-kustomize-schemas', module: 'github.com/fluxcd/kustomize-controller', version: 'v1.9.5', folder: 'config/crd/bases' }),
] as const
